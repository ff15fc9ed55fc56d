/** Returns the agent of pods with everything that it imports, as one ES module. */
export function bundleAgent(): Promise<string>;

/** Writes `agent` and `shim` for this machine into a folder, as in /opt/dais/agent of the image of Dais. @throws Error with what to install. */
export function writeAgent(folder: string): Promise<void>;
