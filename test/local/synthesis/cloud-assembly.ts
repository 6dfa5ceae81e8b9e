import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Json, JsonObject, ResourceId, TemplateExport } from './template-values';

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
  readonly Outputs?: Readonly<Record<string, { readonly Value: Json; readonly Export?: { readonly Name: string } }>>;
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
    readonly exports: ReadonlyMap<string, TemplateExport>,
    /** Folder that the service's image is built from. */
    readonly imageContext: string,
  ) {}

  static read(directory: string): CloudAssembly {
    const { artifacts } = readJson(directory, 'manifest.json') as Manifest;
    const resources: TemplateResource[] = [];
    const exports = new Map<string, TemplateExport>();
    for (const { properties } of Object.values(artifacts)) {
      const { templateFile, stackName: stack } = properties ?? {};
      if (templateFile === undefined || stack === undefined) continue;
      const template = readJson(directory, templateFile) as Template;
      for (const [logicalId, { Type: type, Properties = {}, Metadata = {} }] of Object.entries(template.Resources)) {
        const asset = Metadata['aws:asset:path'];
        const assetPath = typeof asset === 'string' ? join(directory, asset) : undefined;
        resources.push({ stack, logicalId, type, properties: Properties, assetPath });
      }
      for (const { Value: value, Export } of Object.values(template.Outputs ?? {})) {
        if (Export !== undefined) exports.set(Export.Name, { stack, value });
      }
    }
    return new CloudAssembly(resources, exports, imageContext(directory));
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
