// Judges requests by IAM's rules: an array of {policies, resourcePolicy, action,
// resource, context} on standard input, an array of words on standard output:
// Allowed, ImplicitlyDenied, ExplicitlyDenied, or what is wrong with the request.
"use strict";

const { readFileSync } = require("node:fs");
const { createRequire } = require("node:module");
const path = require("node:path");

const load = createRequire(path.resolve(process.argv[2], "package.json"));
const { runSimulation } = load("@cloud-copilot/iam-simulate");
const ACCOUNT = "123456789012";

async function judge(request) {
  const found = await runSimulation({
    request: {
      principal: `arn:aws:sts::${ACCOUNT}:assumed-role/role/task`,
      action: request.action,
      resource: { resource: request.resource, accountId: ACCOUNT },
      contextVariables: request.context,
    },
    identityPolicies: request.policies.map((policy, i) => ({
      name: `p${i}`, policy })),
    resourcePolicy: request.resourcePolicy,
    serviceControlPolicies: [],
    resourceControlPolicies: [],
  }, {});
  return found.resultType === "error" ? JSON.stringify(found.errors)
    : found.overallResult;
}

async function main() {
  const requests = JSON.parse(readFileSync(0, "utf8"));
  const words = [];
  for (const request of requests)
    words.push(await judge(request));
  process.stdout.write(JSON.stringify(words));
}

main();
