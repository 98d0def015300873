/*
 * The JavaScript SDK as a client of lakeseg-local: reads one call a
 * line from standard input, {"call": "GetSegment", "with": {...}}, and writes
 * what came of it as one line: {"answer": {...}, "status"} or {"error":
 * {"name", "message", ...}, "isModelled", "status"}. The arguments are the
 * server's URL and the service: "athena" is package @aws-sdk/client-athena.
 */
import readline from "node:readline";
const service = process.argv[3];
const sdk = await import(`@aws-sdk/client-${service}`);
const title = service[0].toUpperCase() + service.slice(1);

const client = new sdk[title + "Client"]({
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
      new sdk[name + "Command"](input),
    );
    return { answer, status: $metadata.httpStatusCode };
  } catch (error) {
    const { $metadata, $fault, $response, ...fields } = error;
    return {
      error: { ...fields, name: error.name, message: error.message },
      isModelled: error instanceof sdk[title + "ServiceException"] &&
        error.constructor.name === error.name,
      status: $metadata?.httpStatusCode,
    };
  }
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(await call(line)) + "\n");
}
