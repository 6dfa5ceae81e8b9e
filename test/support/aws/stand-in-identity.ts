/** The region of the stand-ins for AWS. */
export const STAND_IN_REGION = 'eu-west-1';

/** Credentials that every stand-in accepts; they are valid nowhere else. */
export const STAND_IN_CREDENTIALS = { accessKeyId: 'AKIDSTANDIN', secretAccessKey: 'stand-in-secret-key' };

/** Options for an SDK client that talks to a stand-in. */
export function standInClientOptions(endpoint: string) {
  return { endpoint, region: STAND_IN_REGION, credentials: STAND_IN_CREDENTIALS };
}

/** The same as environment variables, for a separate process. */
export const STAND_IN_ENVIRONMENT = {
  AWS_REGION: STAND_IN_REGION,
  AWS_ACCESS_KEY_ID: STAND_IN_CREDENTIALS.accessKeyId,
  AWS_SECRET_ACCESS_KEY: STAND_IN_CREDENTIALS.secretAccessKey,
};
