/*
 * The JavaScript SDK as a client of lakeseg-local's Pinpoint: reads one call a
 * line from standard input, {"call": "GetSegment", "with": {...}}, and writes
 * what came of it as one line: {"answer": {...}, "status"} or {"error":
 * {"name", "message", ...}, "isModelled", "status"}. The first argument is the
 * server's URL.
 */
import readline from "node:readline";
import * as pinpoint from "@aws-sdk/client-pinpoint";

const client = new pinpoint.PinpointClient({
  endpoint: process.argv[2],
  region: "us-east-1",
  maxAttempts: 1,
  credentials: {
    accessKeyId: "AKIDEXAMPLE",
    secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
  },
});

async function call(line) {
  const { call: name, with: input } = JSON.parse(line);
  try {
    const { $metadata, ...answer } = await client.send(
      new pinpoint[name + "Command"](input),
    );
    return { answer, status: $metadata.httpStatusCode };
  } catch (error) {
    const { $metadata, $fault, $response, ...fields } = error;
    return {
      error: { ...fields, name: error.name, message: error.message },
      isModelled: error instanceof pinpoint.PinpointServiceException &&
        error.constructor.name === error.name,
      status: $metadata?.httpStatusCode,
    };
  }
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(await call(line)) + "\n");
}
