#include "stages/sfn_task/input.h"

#include <string.h>

#include "pipeline/runs/job.h"
#include "pipeline/stream/small.h"

/* Where {"JobUri": ...} points to; NULL: it is none. */
static json_t *job_uri(const struct pl_buf *text, struct pl_err *err)
{
    json_t *root = json_loadb(text->data, text->len, 0, NULL);
    json_t *uri = json_incref(json_object_get(root, "JobUri"));
    const char *const others[] = {"lakeseg", "Query"};

    for (size_t i = 0; uri != NULL && i < PL_COUNT(others); i++)
        if (json_object_get(root, others[i]) != NULL)
            (void)pl_fail(err, PL_MANIFEST_INVALID,
                          "'JobUri' and '%s' exclude each other", others[i]);
    if (uri != NULL && !json_is_string(uri))
        (void)pl_fail(err, PL_MANIFEST_INVALID,
                      "'JobUri' must be a string, the URI of a job");
    json_decref(root);
    if (err->code == PL_OK)
        return uri;
    json_decref(uri);
    return NULL;
}

static int parse(const struct pl_buf *text, const char *from,
                 struct pl_manifest *m, struct pl_err *err)
{
    /* a manifest of the task before has nothing left that a job may have */
    if (pl_job_parse(m, pl_buf_str(text), text->len, NULL, err) == 0)
        return 0;
    pl_manifest_release(m);
    return pl_context(err, "'%s'", from);
}

static int follow(const char *uri, struct pl_aws *aws, struct pl_manifest *m,
                  struct pl_err *err)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(PL_MANIFEST_MAX_BYTES);

    if (pl_small_read(uri, aws, &text, err) != 0)
        return -1;
    return parse(&text, uri, m, err);
}

int sfn_input_read(const struct sfn_task_config *cfg, struct pl_aws *aws,
                   struct pl_manifest *m, struct pl_err *err)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(PL_MANIFEST_MAX_BYTES);
    const char *from =
        cfg->manifest != NULL ? "LAKESEG_MANIFEST" : cfg->input_uri;
    json_t *uri;
    int rc;

    if ((cfg->manifest != NULL) == (cfg->input_uri != NULL))
        return pl_fail(err, PL_CONFIG_INVALID,
                       "a task needs LAKESEG_INPUT_URI or LAKESEG_MANIFEST, "
                       "and not both");
    if (cfg->manifest != NULL
            ? pl_buf_adds(&text, cfg->manifest, err) != 0
            : pl_small_read(cfg->input_uri, aws, &text, err) != 0)
        return -1;
    uri = job_uri(&text, err);
    if (err->code != PL_OK)
        return pl_context(err, "'%s'", from);
    rc = uri != NULL ? follow(json_string_value(uri), aws, m, err)
                     : parse(&text, from, m, err);
    json_decref(uri);
    return rc;
}

static int set_work_uri(const struct sfn_task_config *cfg,
                        struct pl_manifest *m, struct pl_err *err)
{
    PL_AUTO(pl_buf) uri = PL_BUF_INIT;

    if (pl_manifest_str(m, "run.work_uri") != NULL)
        return 0;
    if (pl_manifest_str(m, "query.output_uri") == NULL &&
        cfg->output_uri != NULL) {
        const size_t len = strlen(cfg->output_uri);

        if (pl_buf_addf(&uri, err, "%s%slakeseg/%s/", cfg->output_uri,
                        len > 0 && cfg->output_uri[len - 1] == '/' ? "" : "/",
                        pl_manifest_str(m, "run.id")) != 0)
            return -1;
    } else if (pl_manifest_work_uri(m, &uri, err) != 0) {
        return -1;
    }
    return pl_manifest_set_str(m, "run.work_uri", uri.data, err);
}

int sfn_input_begin(const struct sfn_task_config *cfg, int64_t now_ms,
                    struct pl_manifest *m, struct pl_err *err)
{
    if ((cfg->run_id != NULL &&
         pl_manifest_set_str(m, "run.id", cfg->run_id, err) != 0) ||
        (cfg->job_name != NULL && pl_manifest_str(m, "run.name") == NULL &&
         pl_manifest_set_str(m, "run.name", cfg->job_name, err) != 0) ||
        pl_manifest_begin(m, now_ms, err) != 0)
        return -1;
    /* a job for one destination is not made one for another */
    if (cfg->destination != NULL &&
        pl_manifest_str(m, "import.destination") == NULL &&
        pl_manifest_str(m, "validate.target") == NULL &&
        pl_manifest_set_str(m, "import.destination", cfg->destination, err) !=
            0)
        return -1;
    return set_work_uri(cfg, m, err);
}
