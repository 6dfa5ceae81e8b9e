/** Gives the headers of a POST to `url` without a body: the given ones and the signature's. */
export type RequestSigner = (url: URL, headers: Readonly<Record<string, string>>) => Promise<Record<string, string>>;
