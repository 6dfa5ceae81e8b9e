import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { outputKey } from './template-values';
import type { Json, JsonObject, ResourceId, TemplateOutputs } from './template-values';

/** A resource of a synthesized template. */
export interface TemplateResource extends ResourceId {
  readonly type: string;
  readonly properties: JsonObject;
  /** Folder of its code, where it has some. */
  readonly assetPath: string | undefined;
}

interface Template {
  readonly Resources: Readonly<
    Record<string, { readonly Type: string; readonly Properties?: JsonObject; readonly Metadata?: JsonObject }>
  >;
  readonly Outputs?: Readonly<Record<string, { readonly Value: Json }>>;
}

interface Manifest {
  readonly artifacts: Readonly<
    Record<string, { readonly properties?: { readonly templateFile?: string; readonly stackName?: string } }>
  >;
}

interface AssetManifest {
  readonly dockerImages?: Readonly<Record<string, { readonly source: { readonly directory: string } }>>;
}

/** What `cdk synth` has written: the templates of all stacks of one deployment, and the code they name. */
export class CloudAssembly {
  private constructor(
    readonly resources: readonly TemplateResource[],
    readonly outputs: TemplateOutputs,
    /** Folder that the service's image is built from. */
    readonly imageContext: string,
  ) {}

  static read(directory: string): CloudAssembly {
    const { artifacts } = readJson(directory, 'manifest.json') as Manifest;
    const resources: TemplateResource[] = [];
    const outputs = new Map<string, Json>();
    for (const [id, { properties }] of Object.entries(artifacts)) {
      // The name is left out where it is the artifact's name.
      const { templateFile, stackName: stack = id } = properties ?? {};
      if (templateFile === undefined) continue;
      const template = readJson(directory, templateFile) as Template;
      for (const [logicalId, { Type: type, Properties = {}, Metadata = {} }] of Object.entries(template.Resources)) {
        const asset = Metadata['aws:asset:path'];
        const assetPath = typeof asset === 'string' ? join(directory, asset) : undefined;
        resources.push({ stack, logicalId, type, properties: Properties, assetPath });
      }
      for (const [name, { Value: value }] of Object.entries(template.Outputs ?? {})) {
        outputs.set(outputKey(stack, name), value);
      }
    }
    return new CloudAssembly(resources, outputs, imageContext(directory));
  }

  ofType(type: string): TemplateResource[] {
    return this.resources.filter((resource) => resource.type === type);
  }

  /** The only resource of a type. */
  only(type: string): TemplateResource {
    return only(this.ofType(type), type);
  }
}

function imageContext(directory: string): string {
  const manifests = readdirSync(directory).filter((name) => name.endsWith('.assets.json'));
  const images = manifests.flatMap((name) =>
    Object.values((readJson(directory, name) as AssetManifest).dockerImages ?? {}),
  );
  return join(directory, only(images, 'image').source.directory);
}

function only<T>(list: readonly T[], what: string): T {
  const [first, ...others] = list;
  if (first === undefined || others.length > 0) throw new Error(`${list.length} instead of one: ${what}`);
  return first;
}

function readJson(...path: string[]): unknown {
  return JSON.parse(readFileSync(join(...path), 'utf8'));
}
