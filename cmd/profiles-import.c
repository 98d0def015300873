/* profiles-import - import a run's files into Customer Profiles; see
 * stages/profiles_import. */
#include "pipeline/aws/client.h"
#include "pipeline/manifest/stage.h"
#include "stages/profiles_import/profiles_import.h"

static int run(void *ctx, struct pl_manifest *m, struct pl_err *err)
{
    PL_AUTO(pl_aws) aws = {0};

    if (pl_aws_open(&aws, NULL, err) != 0)
        return -1;
    return profiles_import_run(ctx, &aws, m, err);
}

static const char text[] =
    "Reads a manifest from standard input, imports its normalized files into "
    "a domain of Amazon Connect Customer Profiles, follows the import to its "
    "end and writes the manifest with import.result and status succeeded to "
    "standard output. A run without rows succeeds without a job.\n\n"
    "By default each file is an upload job, named after the run and the "
    "part: it is looked for before it is made and before it is started, so "
    "that nothing is imported twice, however often the program is killed and "
    "started again. With --method objects the rows are put ten in a call; "
    "what was put is counted in the run's local folder, and each row that is "
    "refused stands with its reason in a file of rejects.\n\n"
    "Before anything is imported the files are read and held beside the "
    "manifest, and a sample of their keys is looked up: when more than "
    "import.max_unknown_keys_percent (10) are of no profile, the run stops. "
    "A first import into an empty domain sets it to 100.\n\n"
    "import.expiry_days has no default: the service would delete the "
    "profiles after 14 days without a word. A job that ends with failed "
    "records is ImportPartial, unless import.max_failed_percent allows "
    "them.\n\n"
    "On INT and TERM an upload job that was started goes on at the service; "
    "started again with the same manifest, the program follows it. "
    "docs/import-profiles.md says more.";

int main(int argc, char **argv)
{
    struct profiles_import_config cfg = PROFILES_IMPORT_CONFIG_INIT;
    const struct pl_opt opts[] = {
        {"domain", PL_OPT_STR, &cfg.domain, "NAME",
         "domain to import into (manifest: import.domain)", "LAKESEG_DOMAIN"},
        {"region", PL_OPT_STR, &cfg.region, "NAME",
         "region of the domain; default the run's (manifest: import.region)",
         "LAKESEG_IMPORT_REGION"},
        {"method", PL_OPT_STR, &cfg.method, "WORD",
         "upload (default) or objects (manifest: import.method)",
         "LAKESEG_IMPORT_METHOD"},
        {"expiry-days", PL_OPT_INT, &cfg.expiry_days, "DAYS",
         "how long profiles live, 1 to 1098 (manifest: import.expiry_days)",
         "LAKESEG_EXPIRY_DAYS"},
        {"segment", PL_OPT_STR, &cfg.segment, "NAME",
         "segment over the run's people (manifest: import.segment.name)", NULL},
        {"object-type", PL_OPT_STR, &cfg.object_type, "NAME",
         "type of the objects; default lakeseg (manifest: import.object_type)",
         "LAKESEG_OBJECT_TYPE"},
        {"objects-per-second", PL_OPT_INT, &cfg.objects_per_second, "N",
         "rate of the objects; default 100 (manifest: "
         "import.objects_per_second)",
         "LAKESEG_OBJECTS_PER_SECOND"},
        {"setup", PL_OPT_FLAG, &cfg.is_setup, NULL,
         "make the object type when the domain does not have it", NULL},
        {"timeout", PL_OPT_INT, &cfg.timeout_s, "SECONDS",
         "stop following the jobs after so long; default 7200 (manifest: "
         "import.timeout_s)",
         "LAKESEG_IMPORT_TIMEOUT_S"},
        {"poll-interval", PL_OPT_INT, &cfg.poll_ms, "MS",
         "longest wait between two looks; default 5000",
         "LAKESEG_POLL_INTERVAL_MS"},
        {.name = NULL},
    };
    const struct pl_cli cli = {
        .name = "profiles-import",
        .summary = "import the normalized files of a manifest into Customer "
                   "Profiles",
        .text = text,
        .examples = "csv-validate < m.json | profiles-import --domain crm "
                    "--expiry-days 60 | sns-notify",
        .see_also = "csv-validate-normalize(1), pinpoint-import(1), "
                    "sns-notify(1), lakeseg-local(1)",
        .opts = opts};
    const struct pl_stage stage = {.cli = &cli, .ctx = &cfg, .run = run};

    return pl_stage_main(&stage, argc, argv);
}
