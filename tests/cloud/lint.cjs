/*
 * Two validators of state machines that are not ours. Reads definitions from
 * standard input, a JSON list of texts; writes a JSON list with an object each:
 * what statelint and asl-validator find. The argument is the folder that
 * scripts/setup installed them into.
 */
const { createRequire } = require("node:module");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const load = createRequire(path.resolve(process.argv[2], "package.json"));
const { StateLint } = load("@wmfs/statelint");
const validate = load("asl-validator");

function statelint(definition) {
  return new StateLint().validate(definition);
}

function aslValidator(definition) {
  const { isValid, errors } = validate(definition, {
    checkPaths: true,
    checkArn: true,
  });
  if (isValid) return [];
  return errors.map((error) => `${error["Error code"]}: ${error.Message}`);
}

function findings(text) {
  let definition;
  try {
    definition = JSON.parse(text);
  } catch (error) {
    const said = [`no JSON: ${error.message}`];
    return { statelint: said, "asl-validator": said };
  }
  return {
    statelint: statelint(definition),
    "asl-validator": aslValidator(definition),
  };
}

const texts = JSON.parse(fs.readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(texts.map(findings)) + os.EOL);
