import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';
import { RunningProgram } from './running-program';

/** Whether OBS Studio and a display without a screen are installed. */
export const hasObs = ['obs', 'Xvfb'].every((program) => spawnSync('which', [program]).status === 0);

/** Says, once for each file that would need it, why its tests are skipped. */
export function sayThatObsIsMissing(): void {
  if (!hasObs) process.stderr.write('OBS Studio is skipped: no obs and Xvfb here (apt-get install obs-studio xvfb)\n');
}

const closing: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const close of closing.reverse()) await close();
});

/** OBS Studio, which streams a green picture of 640x360 with 30 frames a second, and silence, as soon as it runs. */
export async function streamWithObs(server: string, key: string): Promise<RunningProgram> {
  const home = mkdtempSync(join(tmpdir(), 'obs-'));
  writeSettings(join(home, '.config/obs-studio'), { server, key });
  const screen = new RunningProgram('Xvfb', ['-displayfd', '1', '-screen', '0', '1024x768x24', '-nolisten', 'tcp']);
  closing.push(() => screen.stop());
  const [display = ''] = await screen.waitForOutput(/^\d+$/m);
  const env = {
    PATH: process.env['PATH'],
    HOME: home,
    XDG_RUNTIME_DIR: home,
    DISPLAY: `:${display}`,
    QT_QPA_PLATFORM: 'xcb',
    LIBGL_ALWAYS_SOFTWARE: '1',
  };
  const args = ['--startstreaming', '--disable-updater', '--disable-shutdown-check', '--multi'];
  const obs = new RunningProgram('obs', [...args, '--profile', 'Test', '--collection', 'Test'], { env });
  closing.push(async () => {
    await obs.stop();
    rmSync(home, { recursive: true, force: true });
  });
  return obs;
}

function writeSettings(folder: string, target: { readonly server: string; readonly key: string }): void {
  const files = {
    'global.ini': `[General]
FirstRun=true
EnableAutoUpdates=false
[Basic]
Profile=Test
ProfileDir=Test
SceneCollection=Test
SceneCollectionFile=Test
`,
    'basic/profiles/Test/basic.ini': `[General]
Name=Test
[Output]
Mode=Simple
Reconnect=true
RetryDelay=1
[SimpleOutput]
VBitrate=800
StreamEncoder=x264
Preset=ultrafast
[Video]
BaseCX=640
BaseCY=360
OutputCX=640
OutputCY=360
FPSCommon=30
`,
    'basic/profiles/Test/service.json': JSON.stringify({ type: 'rtmp_custom', settings: target }),
    'basic/scenes/Test.json': JSON.stringify({
      name: 'Test',
      current_scene: 'Scene',
      current_program_scene: 'Scene',
      scene_order: [{ name: 'Scene' }],
      sources: [
        { id: 'scene', name: 'Scene', settings: { items: [{ name: 'Color', id: 1, visible: true }], id_counter: 1 } },
        {
          id: 'color_source',
          versioned_id: 'color_source_v3',
          name: 'Color',
          settings: { color: 0xff00ff00, width: 640, height: 360 },
        },
      ],
    }),
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}
