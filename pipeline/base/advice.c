#include "pipeline/base/advice.h"

#define CALLER "the caller"
#define ANALYST "the analyst who wrote the query"
#define STAGE_BEFORE "whoever runs the stage before: its output was cut off"
#define SERVICE "whoever the words of the service point to: it said no"
#define MAKERS "the makers of lakeseg"
#define HOST "the operator of the host"
#define NOBODY "nobody: try again later"
#define OPERATOR "the operator"

static const struct pl_advice table[PL_CODE_COUNT] = {
    [PL_OK] = {"nothing went wrong", "nobody", "There is nothing to do."},
    [PL_USAGE_INVALID] = {"a program was called in a way it does not know",
                          CALLER,
                          "Correct the command: --help of the program names "
                          "its options."},
    [PL_QUERY_INVALID] = {"the query is not one that a job may run", ANALYST,
                          "Correct the SQL where the message points, and try "
                          "it with query-validate, which needs no network."},
    [PL_DATA_INVALID] = {"the data broke a rule or a limit", ANALYST,
                         "Look at the counts and the rejects: mend the query "
                         "or its tables, or widen the limit in "
                         "validate.limits if the rows are as they should be."},
    [PL_MANIFEST_INVALID] = {"a program got no whole manifest to read",
                             STAGE_BEFORE,
                             "Look for what ended the stage before, in its "
                             "log; then run the job again."},
    [PL_QUERY_FAILED] = {"Athena could not carry out the query", SERVICE,
                         "Read Athena's words: a table, a column or a value "
                         "is not as the query expects. Mend that, and run the "
                         "job again with a new run id."},
    [PL_QUERY_CANCELLED] = {"the query was cancelled", SERVICE,
                            "Find out who stopped it, a person or a limit of "
                            "the workgroup or of the job on the bytes it may "
                            "scan; then run the job again with a new run id."},
    [PL_QUERY_TIMED_OUT] = {"the query took longer than it may", SERVICE,
                            "Make the query read less, fewer partitions or "
                            "columns, or raise query.timeout_s; then run the "
                            "job again with a new run id."},
    [PL_IMPORT_FAILED] = {"the destination could not carry out the import",
                          SERVICE,
                          "Read the words of the import job in the manifest "
                          "and mend what they name. A new run writes the same "
                          "people again; it doubles nobody."},
    [PL_IMPORT_PARTIAL] = {"the destination took a part of the rows only",
                           SERVICE,
                           "Read the words of the import job in the manifest "
                           "and mend the rows it refused. A new run writes "
                           "the same people again; it doubles nobody."},
    [PL_IMPORT_TIMED_OUT] = {"the import took longer than it may", SERVICE,
                             "It may still be going on: look at the import "
                             "job at the destination before you run the job "
                             "again, or raise import.timeout_s."},
    [PL_SERVICE_REFUSED] = {"a service refused a request", SERVICE,
                            "Read the words of the service, correct the "
                            "setting that they name, and run the job again."},
    [PL_INTERNAL_ERROR] = {"lakeseg came to a state that should not be", MAKERS,
                           "Report it, with the message and the version. "
                           "Nothing in the query or the data is to blame."},
    [PL_HOST_ERROR] = {"the machine had no memory or no process to give", HOST,
                       "Give the task more memory, or end what takes it; then "
                       "run the job again."},
    [PL_FILE_ERROR] = {"a file or a pipe could not be read or written", HOST,
                       "Look at the path in the message: is it there, may it "
                       "be used, is the disk full? Then run the job again."},
    [PL_SERVICE_UNAVAILABLE] = {"a service did not answer as it should", NOBODY,
                                "Run the job again in a few minutes. If that "
                                "does not help, look at the service's health "
                                "and at the way to it (endpoint, proxy, "
                                "security groups)."},
    [PL_THROTTLED] = {"a service was asked more often than it allows", NOBODY,
                      "Run the job again later. If it comes back, spread the "
                      "schedules or ask for a higher quota."},
    [PL_INTERRUPTED] = {"somebody asked the run to stop", NOBODY,
                        "Run the job again when it suits."},
    [PL_ALREADY_RUNNING] = {"another run of this job is not over", NOBODY,
                            "Wait for that run to end. This one did nothing."},
    [PL_TASK_LOST] = {"a task never came up, or was killed whole", NOBODY,
                      "Run the job again. If it comes back, the stopped "
                      "task's reason in ECS tells why: image, network or "
                      "memory."},
    [PL_ACCESS_DENIED] = {"a permission is missing", OPERATOR,
                          "Grant what the message names; 'lakeseg doctor JOB' "
                          "lists what is missing. Then run the job again."},
    [PL_CREDENTIALS_MISSING] = {"no credentials for AWS were found", OPERATOR,
                                "Give the run a role or a profile; 'lakeseg "
                                "doctor' says where it looked."},
    [PL_CREDENTIALS_EXPIRED] = {"the credentials for AWS are no longer valid",
                                OPERATOR,
                                "Renew them, and run the job again; 'lakeseg "
                                "doctor' says where they come from."},
    [PL_SIGNATURE_REFUSED] = {"a service did not accept a signature", OPERATOR,
                              "See that the clock of the machine is right and "
                              "that the secret belongs to the access key; "
                              "'lakeseg doctor' says where they come from."},
    [PL_CONFIG_INVALID] = {"a setting is missing, or at odds with another",
                           OPERATOR,
                           "Correct the setting that the message names, and "
                           "run the job again."},
    [PL_RETIRED] = {"the destination no longer exists", OPERATOR,
                    "Move the job to Customer Profiles, as "
                    "docs/moving-from-pinpoint.md shows step by step."},
};

const struct pl_advice *pl_advice(enum pl_code code)
{
    if ((unsigned)code >= PL_CODE_COUNT)
        return &table[PL_INTERNAL_ERROR];
    return &table[code];
}
