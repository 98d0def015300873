/* csv-validate-normalize - the transformer; see stages/csv_validate. */
#include "pipeline/aws/client.h"
#include "pipeline/manifest/stage.h"
#include "stages/csv_validate/csv_validate.h"

static int run(void *ctx, struct pl_manifest *m, struct pl_err *err)
{
    PL_AUTO(pl_aws) aws = {0};

    struct csv_validate_config *cfg = ctx;

    cfg->is_check = cfg->is_check || cfg->is_preview;
    if (!csv_validate_needs_s3(ctx, m))
        return csv_validate_run(ctx, NULL, m, err);
    if (pl_aws_open(&aws, NULL, err) != 0)
        return -1;
    return csv_validate_run(ctx, &aws, m, err);
}

static int direct(void *ctx, const char *operand, struct pl_manifest *m,
                  struct pl_err *err)
{
    return csv_validate_direct(ctx, operand, m, err);
}

int main(int argc, char **argv)
{
    struct csv_validate_config cfg = CSV_VALIDATE_CONFIG_INIT;
    const struct pl_opt opts[] = {
        {"target", PL_OPT_STR, &cfg.target, "NAME",
         "pinpoint (default) or customer-profiles (manifest: "
         "validate.target)",
         NULL},
        {"input-format", PL_OPT_STR, &cfg.input_format, "FORMAT",
         "csv or jsonl, JSON lines; default: what the manifest says, and of "
         "FILE how its name ends (.jsonl or .ndjson, with .gz or .zst behind "
         "it or not)",
         NULL},
        {"columns", PL_OPT_STR, &cfg.columns, "NAME,...",
         "the columns of JSON lines, which are their keys; default: the keys "
         "c0, c1, ... for the columns of query.result, and without those the "
         "keys of the first line (manifest: validate.input.columns)",
         NULL},
        {"non-finite", PL_OPT_STR, &cfg.non_finite, "WORD",
         "what NaN, Infinity and -Infinity in JSON lines become: keep (text, "
         "as in CSV), null, or reject (manifest: validate.input.non_finite)",
         "LAKESEG_NON_FINITE"},
        {"output", PL_OPT_STR, &cfg.output, "URI",
         "where the normalized data go; - is standard output, and then no "
         "manifest is written",
         NULL},
        {"rejects", PL_OPT_STR, &cfg.rejects, "URI", "where the rejects go",
         NULL},
        {"check", PL_OPT_FLAG, &cfg.is_check, NULL,
         "judge only: nothing is written but what --rejects asks for", NULL},
        {"preview", PL_OPT_FLAG, &cfg.is_preview, NULL,
         "judge only, and tell what differs from the job's last run "
         "(validate.result.preview)",
         NULL},
        {"show-values", PL_OPT_FLAG, &cfg.has_values, NULL,
         "with --preview: rows are shown as they are, not masked", NULL},
        {"rules", PL_OPT_STR, &cfg.rules, "PRESET",
         "all (default), or basic: no look at other rows but for the Id, no "
         "report of columns, \"\" means NULL (manifest: "
         "validate.rules.preset)",
         "LAKESEG_RULES"},
        {"format", PL_OPT_STR, &cfg.format, "FORMAT",
         "csv (default) or json, in which NULL is left out (manifest: "
         "validate.output.format)",
         "LAKESEG_OUTPUT_FORMAT"},
        {"max-part-bytes", PL_OPT_SIZE, &cfg.max_part_bytes, "BYTES",
         "of a part; default 1000000000, what an import job takes, and with "
         "--output none (manifest: "
         "validate.output.max_part_bytes)",
         "LAKESEG_MAX_PART_BYTES"},
        {"max-reject-percent", PL_OPT_STR, &cfg.max_reject_percent, "PERCENT",
         "rejects allowed, of the rows read; default 1.0 (manifest: "
         "validate.limits)",
         "LAKESEG_MAX_REJECT_PERCENT"},
        {"max-rejects", PL_OPT_INT, &cfg.max_rejects, "ROWS",
         "rejects allowed (manifest: validate.limits)", NULL},
        {"min-rows", PL_OPT_INT, &cfg.min_rows, "ROWS",
         "rows that must come out; default 1 (manifest: validate.limits)",
         "LAKESEG_MIN_ROWS"},
        {"max-rows", PL_OPT_INT, &cfg.max_rows, "ROWS",
         "rows that may come out (manifest: validate.limits)", NULL},
        {"mode", PL_OPT_STR, &cfg.mode, "MODE",
         "full, or changed: only rows that are new or changed since the job's "
         "last run; either keeps fingerprints for the next one (manifest: "
         "import.mode)",
         "LAKESEG_IMPORT_MODE"},
        {"allow", PL_OPT_STR, &cfg.allow, "WORD,...",
         "limits that need not hold this time: max_change, max_gone, min_rows "
         "(of the last run), empty (a result without rows), unnamed (gone "
         "rows whose ids are not to be had)",
         "LAKESEG_ALLOW_ONCE"},
        {"raw", PL_OPT_FLAG, &cfg.has_raw, NULL,
         "put the raw record into the reject file (manifest: "
         "validate.rules.raw)",
         NULL},
        {"rejects-format", PL_OPT_STR, &cfg.rejects_format, "FORMAT",
         "jsonl (default) or csv (manifest: validate.rejects.format)",
         "LAKESEG_REJECTS_FORMAT"},
        {"rejects-compression", PL_OPT_STR, &cfg.rejects_compression, "NAME",
         "none (default) or zstd (manifest: validate.rejects.compression)",
         "LAKESEG_REJECTS_COMPRESSION"},
        {"sha256", PL_OPT_FLAG, &cfg.has_sha256, NULL,
         "put a SHA-256 of each part into the manifest (manifest: "
         "validate.output.sha256)",
         NULL},
        {"no-report", PL_OPT_FLAG, &cfg.has_no_report, NULL,
         "do not count what columns hold", NULL},
        {"threads", PL_OPT_INT, &cfg.threads, "COUNT",
         "that share the work; default: the processors", "LAKESEG_THREADS"},
        {"keys-memory", PL_OPT_SIZE, &cfg.keys_memory, "BYTES",
         "for keys, beyond which they go to temporary files; default 1G; 0: "
         "no limit",
         "LAKESEG_KEYS_MEMORY"},
        {"reader", PL_OPT_STR, &cfg.reader, "NAME",
         "libcsv, the reference, or a set of vector instructions: avx512, "
         "avx2, sse2, neon, scalar; default: the best there is",
         "LAKESEG_READER"},
        {.name = NULL},
    };
    const struct pl_cli cli = {
        .name = "csv-validate-normalize",
        .summary = "check and normalize every row of a query's result",
        .operands = "[FILE]",
        .text =
            "Reads a manifest from standard input and the data with role "
            "query-result that it names, from disk or S3, and writes exactly "
            "the file that the target takes: header and cells in their right "
            "spelling, UTF-8, minimal quoting. NULL and the empty string stay "
            "apart. Installed as csv-validate, too.\n\n"
            "A row that breaks a rule goes to the reject file, JSON Lines "
            "with record number, line, byte offset, key, column, rule and "
            "detail; its neighbours are not touched. When there are more "
            "rejects than the limits allow, or too few rows, the stage fails "
            "with DataInvalid and the normalized file does not appear; the "
            "reject file does.\n\n"
            "Where input is in S3 the output goes to the run's place in S3, "
            "else to <work>/<run id>/. The rules are in docs/rules.md.\n\n"
            "The result of an UNLOAD is read as well: any number of parts "
            "with JSON lines, one object a line, in which null or no key at "
            "all is NULL. Rejects then have the part and the line in it.\n\n"
            "A file in gzip or zstd is known by its first bytes.\n\n"
            "With FILE, a path, an s3:// URI or - for standard input, no "
            "manifest is read.",
        .examples = "athena-exec < job.json | csv-validate | pinpoint-import "
                    "| sns-notify\n"
                    "csv-validate people.csv --output clean.csv --rejects "
                    "bad.jsonl\n"
                    "csv-validate people.csv --check\n"
                    "csv-validate people.jsonl.gz --output clean.csv",
        .see_also = "athena-exec(1), s3-fetch(1), s3-put(1), "
                    "pinpoint-import(1)",
        .opts = opts};
    const struct pl_stage stage = {
        .cli = &cli, .ctx = &cfg, .run = run, .direct = direct};

    return pl_stage_main(&stage, argc, argv);
}
