/** Gives the headers of a POST to `url` without a body: those given, and what proves who sends them. */
export type RequestSigner = (url: URL, headers: Readonly<Record<string, string>>) => Promise<Record<string, string>>;
