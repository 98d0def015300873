#include "stages/athena_exec/settings.h"

#include <string.h>

#include "pipeline/base/log.h"
#include "pipeline/base/opts.h"
#include "pipeline/base/text.h"
#include "pipeline/manifest/parts.h"

#define TIMEOUT_S_DEFAULT 1800 /* Athena's own default for DML */
#define POLL_MS_DEFAULT 5000   /* GetQueryExecution: 100 to 500 a second */
#define MIN_BILLED_BYTES_DEFAULT 10000000 /* of a query that scans anything */
#define RUN_ID_MAX 128
#define SECONDS_MAX 864000
#define POLL_MS_MAX 3600000

/* It names folders and objects, and is part of an UNLOAD's text. */
static int check_run_id(const char *id, struct pl_err *err)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz0123456789-_.";

    if (*id == '\0' || *id == '.' || strlen(id) > RUN_ID_MAX ||
        id[strspn(id, allowed)] != '\0')
        return pl_fail(err, PL_CONFIG_INVALID,
                       "a run's id has 1 to %d of A-Z a-z 0-9 - _ . and does "
                       "not begin with a dot",
                       RUN_ID_MAX);
    return 0;
}

static int choose_run(struct athena_settings *set,
                      const struct athena_exec_config *cfg,
                      struct pl_manifest *m, struct pl_err *err)
{
    if (cfg->run_id != NULL) {
        if (pl_manifest_set_str(m, "run.id", cfg->run_id, err) != 0)
            return -1;
        pl_log_set_run(cfg->run_id);
    }
    set->run_id = pl_manifest_str(m, "run.id");
    return check_run_id(set->run_id, err);
}

static void choose_texts(struct athena_settings *set,
                         const struct athena_exec_config *cfg,
                         const struct pl_manifest *m)
{
    struct pl_athena_query *q = &set->query;
    const struct {
        const char **to;
        const char *option;
        const char *path;
        const char *env;
    } texts[] = {
        {&q->catalog, cfg->catalog, "query.catalog", "LAKESEG_CATALOG"},
        {&q->database, cfg->database, "query.database", "LAKESEG_DATABASE"},
        {&q->workgroup, cfg->workgroup, "query.workgroup", "LAKESEG_WORKGROUP"},
        {&set->output_uri, cfg->output_uri, "query.output_uri",
         "LAKESEG_OUTPUT_URI"},
        {&q->encryption, cfg->encryption, "query.encryption",
         "LAKESEG_QUERY_ENCRYPTION"},
        {&q->kms_key, cfg->kms_key, "query.kms_key", "LAKESEG_QUERY_KMS_KEY"},
        {&q->bucket_owner, cfg->bucket_owner, "query.bucket_owner",
         "LAKESEG_S3_BUCKET_OWNER"},
    };

    for (size_t i = 0; i < PL_COUNT(texts); i++)
        *texts[i].to = pl_setting_of(
            texts[i].option, pl_manifest_str(m, texts[i].path), texts[i].env);
    if (q->workgroup == NULL)
        q->workgroup = "primary";
    q->output_uri = set->output_uri;
}

static int check_encryption(const struct pl_athena_query *q, struct pl_err *err)
{
    static const char *const kinds[] = {"SSE_S3", "SSE_KMS", "CSE_KMS"};

    if (q->encryption == NULL)
        return q->kms_key == NULL
                   ? 0
                   : pl_fail(err, PL_CONFIG_INVALID,
                             "query.kms_key without query.encryption");
    if (!pl_is_one_of(q->encryption, kinds, PL_COUNT(kinds)))
        return pl_fail(err, PL_CONFIG_INVALID,
                       "query.encryption '%s' is none of SSE_S3, SSE_KMS, "
                       "CSE_KMS",
                       q->encryption);
    if ((strcmp(q->encryption, "SSE_S3") == 0) != (q->kms_key == NULL))
        return pl_fail(err, PL_CONFIG_INVALID, "query.encryption %s %s",
                       q->encryption,
                       q->kms_key == NULL ? "needs query.kms_key"
                                          : "takes no query.kms_key");
    if (strcmp(q->encryption, "CSE_KMS") == 0)
        pl_warn("results under CSE_KMS are encrypted by the client's library: "
                "the stages that follow cannot read them");
    return 0;
}

static int check_owner(const char *owner, struct pl_err *err)
{
    if (owner == NULL ||
        (strlen(owner) == 12 && owner[strspn(owner, "0123456789")] == '\0'))
        return 0;
    return pl_fail(err, PL_CONFIG_INVALID,
                   "query.bucket_owner must have 12 digits");
}

static int64_t option_or(int64_t option, const struct pl_manifest *m,
                         const char *path, int64_t fallback)
{
    return option != PL_UNSET ? option : pl_manifest_int(m, path, fallback);
}

static int choose_numbers(struct athena_settings *set,
                          const struct athena_exec_config *cfg,
                          const struct pl_manifest *m, struct pl_err *err)
{
    int64_t timeout_s;
    const int64_t reuse =
        option_or(cfg->reuse_minutes, m, "query.reuse_minutes", -1);

    if (pl_setting_int(
            option_or(cfg->timeout_s, m, "query.timeout_s", PL_UNSET),
            "LAKESEG_QUERY_TIMEOUT_S", TIMEOUT_S_DEFAULT, &timeout_s,
            err) != 0 ||
        pl_setting_int(cfg->poll_ms, "LAKESEG_POLL_INTERVAL_MS",
                       POLL_MS_DEFAULT, &set->poll_ms, err) != 0 ||
        pl_setting_int(option_or(cfg->min_billed_bytes, m,
                                 "query.min_billed_bytes", PL_UNSET),
                       "LAKESEG_MIN_BILLED_BYTES", MIN_BILLED_BYTES_DEFAULT,
                       &set->min_billed_bytes, err) != 0 ||
        pl_setting_int(option_or(cfg->max_scanned_bytes, m,
                                 "query.max_scanned_bytes", PL_UNSET),
                       "LAKESEG_MAX_SCANNED_BYTES", PL_UNSET,
                       &set->max_scanned_bytes, err) != 0)
        return -1;
    if (set->max_scanned_bytes == PL_UNSET)
        set->max_scanned_bytes = -1;
    else if (set->max_scanned_bytes < 0) /* a guard that is none */
        return pl_fail(err, PL_CONFIG_INVALID,
                       "query.max_scanned_bytes must be at least 0");
    if (timeout_s < 1 || timeout_s > SECONDS_MAX || set->poll_ms < 1 ||
        set->poll_ms > POLL_MS_MAX)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "a time-out must be from 1 to %d s, a poll interval "
                       "from 1 to %d ms",
                       SECONDS_MAX, POLL_MS_MAX);
    if (reuse < -1 || reuse > PL_ATHENA_REUSE_MAX || set->min_billed_bytes < 0)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "query.reuse_minutes must be from 0 to %d, "
                       "query.min_billed_bytes at least 0",
                       PL_ATHENA_REUSE_MAX);
    set->timeout_ms = timeout_s * 1000;
    set->query.has_reuse = reuse >= 0;
    set->query.reuse_minutes = reuse >= 0 ? (int)reuse : 0;
    return 0;
}

static int choose_price(struct athena_settings *set,
                        const struct athena_exec_config *cfg,
                        const struct pl_manifest *m, struct pl_err *err)
{
    const char *text = cfg->price_per_tb;
    char *end = NULL;

    set->price_per_tb = pl_manifest_real(m, "query.price_per_tb", -1);
    if (text == NULL && set->price_per_tb < 0)
        text = pl_env("LAKESEG_PRICE_PER_TB");
    if (text == NULL)
        return 0;
    set->price_per_tb = strtod(text, &end);
    if (end == text || *end != '\0' || !(set->price_per_tb >= 0) ||
        set->price_per_tb > 1e9)
        return pl_fail(err, PL_CONFIG_INVALID, "'%s' is no price of a TB",
                       text);
    return 0;
}

static int choose_ways(struct athena_settings *set,
                       const struct athena_exec_config *cfg,
                       const struct pl_manifest *m, struct pl_err *err)
{
    static const char *const modes[] = {"select", "unload"};
    const char *mode = pl_manifest_str(m, "query.mode");

    if (mode != NULL && !pl_is_one_of(mode, modes, PL_COUNT(modes)))
        return pl_fail(err, PL_CONFIG_INVALID,
                       "query.mode '%s' is neither 'select' nor 'unload'",
                       mode);
    if (pl_partitions(m, cfg->partitions, &set->partitions, err) != 0)
        return -1;
    if (set->partitions > 0 && mode != NULL && strcmp(mode, "select") == 0)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "query.mode 'select' writes one file: partitions need "
                       "'unload'");
    set->is_unload = cfg->is_unload || set->partitions > 0 ||
                     (mode != NULL && strcmp(mode, "unload") == 0);
    set->has_explain =
        cfg->has_explain || pl_manifest_bool(m, "query.explain", false);
    set->is_start_only = cfg->is_start_only;
    set->is_once = cfg->is_once;
    set->wait_id = cfg->wait_id;
    if (set->is_start_only && (set->is_once || set->wait_id != NULL))
        return pl_fail(err, PL_USAGE_INVALID,
                       "--start goes with neither --wait nor --no-wait");
    if (set->is_unload && set->query.has_reuse)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "Athena reuses no result of an UNLOAD: leave "
                       "query.reuse_minutes out");
    return 0;
}

int athena_settings_choose(struct athena_settings *set,
                           const struct athena_exec_config *cfg,
                           struct pl_manifest *m, struct pl_err *err)
{
    if (choose_run(set, cfg, m, err) != 0)
        return -1;
    choose_texts(set, cfg, m);
    if (check_encryption(&set->query, err) != 0 ||
        check_owner(set->query.bucket_owner, err) != 0 ||
        choose_numbers(set, cfg, m, err) != 0 ||
        choose_price(set, cfg, m, err) != 0)
        return -1;
    return choose_ways(set, cfg, m, err);
}
