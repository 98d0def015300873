// Drives every operation of Customer Profiles that lakeseg-local serves and
// this client knows, and prints what came back as JSON, one member a step.
// Usage: node profiles.cjs URL
"use strict";

const crypto = require("node:crypto");
const api = require("@aws-sdk/client-customer-profiles");

const client = new api.CustomerProfilesClient({
  endpoint: process.argv[2],
  region: "us-east-1",
  maxAttempts: 1,
  credentials: {
    accessKeyId: "AKIDEXAMPLE",
    secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
  },
});
const DomainName = "javascript";
const seen = {};

async function call(name, input = {}, label = name) {
  try {
    const answer = await client.send(
      new api[name + "Command"]({ DomainName, ...input }));
    delete answer.$metadata;
    seen[label] = answer;
    return answer;
  } catch (error) {
    seen[label] = {
      error: error.name,
      status: error.$metadata && error.$metadata.httpStatusCode,
    };
    return seen[label];
  }
}

const field = (column, target) => ({
  Source: "_source." + column,
  Target: "_profile." + target,
});
const Fields = {
  UserId: field("UserId", "AccountNumber"),
  Plan: field("Plan", "Attributes.Plan"),
};
const groups = {
  Groups: [{
    Dimensions: [{
      ProfileAttributes: {
        Attributes: { Plan: { DimensionType: "INCLUSIVE", Values: ["gold"] } },
      },
    }],
    Type: "ALL",
  }],
  Include: "ALL",
};

async function domains() {
  await call("CreateDomain", { DefaultExpirationDays: 30 });
  await call("UpdateDomain", { DefaultExpirationDays: 40 });
  await call("GetDomain");
  await call("ListDomains");
  await call("GetDomain", { DomainName: "nothing" }, "no domain");
}

async function upload() {
  const { JobId } = await call("CreateUploadJob", {
    DisplayName: "js", Fields, UniqueKey: "UserId", DataExpiry: 7,
  });
  const place = await call("GetUploadJobPath", { JobId });
  const prefix = "x-amz-server-side-encryption-customer-";
  const raw = Buffer.from(place.ClientToken, "base64");
  const put = await fetch(place.Url, {
    method: "PUT",
    body: "UserId,Plan\nj1,gold\nj2,silver\n",
    headers: {
      [prefix + "algorithm"]: "AES256",
      [prefix + "key"]: place.ClientToken,
      [prefix + "key-MD5"]:
        crypto.createHash("md5").update(raw).digest("base64"),
    },
  });
  seen.put = { status: put.status, keyBytes: raw.length };
  await call("StartUploadJob", { JobId });
  const end = Date.now() + 30000;
  let job;
  do {
    job = await call("GetUploadJob", { JobId });
  } while (["CREATED", "IN_PROGRESS"].includes(job.Status) &&
           Date.now() < end);
  await call("StopUploadJob", { JobId });
  await call("ListUploadJobs", { MaxResults: 1 });
}

async function profiles() {
  const { ProfileId } = await call("CreateProfile", {
    FirstName: "Ada", EmailAddress: "ada@example.com",
    Attributes: { Plan: "gold" },
  });
  await call("UpdateProfile", { ProfileId, LastName: "Byron" });
  await call("AddProfileKey", { ProfileId, KeyName: "own", Values: ["v"] });
  await call("SearchProfiles", { KeyName: "own", Values: ["v"] });
  await call("BatchGetProfile", { ProfileIds: [ProfileId] });
  return ProfileId;
}

async function objects() {
  const ObjectTypeName = "rows";
  await call("PutProfileObjectType", {
    ObjectTypeName, Description: "d", Fields, AllowProfileCreation: true,
    Keys: {
      _account: [{
        StandardIdentifiers: ["UNIQUE", "PROFILE"], FieldNames: ["UserId"],
      }],
    },
  });
  await call("GetProfileObjectType", { ObjectTypeName });
  await call("ListProfileObjectTypes");
  await call("PutProfileObject", {
    ObjectTypeName, Object: JSON.stringify({ UserId: "j3", Plan: "gold" }),
  });
  const found = await call("SearchProfiles",
    { KeyName: "_account", Values: ["j3"] }, "the object's profile");
  await call("ListProfileObjects", {
    ObjectTypeName, ProfileId: found.Items[0].ProfileId,
  });
  await call("DeleteProfileObjectType", { ObjectTypeName });
}

async function segments(ProfileId) {
  const SegmentDefinitionName = "gold";
  await call("CreateSegmentDefinition", {
    SegmentDefinitionName, DisplayName: "Gold", SegmentGroups: groups,
  });
  await call("GetSegmentDefinition", { SegmentDefinitionName });
  await call("ListSegmentDefinitions");
  const { EstimateId } = await call("CreateSegmentEstimate",
    { SegmentQuery: groups });
  await call("GetSegmentEstimate", { EstimateId });
  await call("GetSegmentMembership",
    { SegmentDefinitionName, ProfileIds: [ProfileId] });
  const { SnapshotId } = await call("CreateSegmentSnapshot", {
    SegmentDefinitionName, DataFormat: "JSONL",
    DestinationUri: "s3://results/js",
  });
  await call("GetSegmentSnapshot", { SegmentDefinitionName, SnapshotId });
  await call("DeleteSegmentDefinition", { SegmentDefinitionName });
}

async function main() {
  await domains();
  await upload();
  const id = await profiles();
  await objects();
  await segments(id);
  await call("DeleteProfile", { ProfileId: id });
  await call("DeleteDomain");
  process.stdout.write(JSON.stringify(seen));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
