/* Where the state is, and one run's folder in it. */
#include "pipeline/runs/runs.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/base/digest.h"
#include "pipeline/base/file.h"
#include "pipeline/base/opts.h"
#include "pipeline/base/text.h"
#include "pipeline/runs/save.h"

#define FOLDER_MAX 180 /* bytes of a job's name before it is cut */

int pl_runs_open(struct pl_runs *runs, const char *place, struct pl_err *err)
{
    const char *xdg = pl_env("XDG_STATE_HOME");
    const char *home = pl_env("HOME");

    runs->root = (struct pl_buf)PL_BUF_INIT;
    place = pl_setting(place, "LAKESEG_STATE", NULL);
    if (place != NULL && strstr(place, "://") != NULL)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "the state '%s' must be a folder on this machine",
                       place);
    if (place != NULL)
        return pl_buf_addf(&runs->root, err, "%s%s", place,
                           pl_ends_with(place, "/") ? "" : "/");
    if (xdg != NULL && *xdg == '/')
        return pl_buf_addf(&runs->root, err, "%s/lakeseg/", xdg);
    if (home != NULL)
        return pl_buf_addf(&runs->root, err, "%s/.local/state/lakeseg/", home);
    return pl_fail(err, PL_CONFIG_INVALID,
                   "no place for the state of runs: set LAKESEG_STATE");
}

void pl_runs_release(struct pl_runs *runs)
{
    pl_buf_release(&runs->root);
}

void pl_run_release(struct pl_run *run)
{
    pl_buf_release(&run->dir);
}

/* 16 hex digits that stand for a text. */
static int add_digest(struct pl_buf *out, const char *text, struct pl_err *err)
{
    unsigned char digest[PL_SHA256_BYTES];

    pl_sha256(text, strlen(text), digest);
    for (size_t i = 0; i < 8; i++)
        if (pl_buf_addf(out, err, "%02x", digest[i]) != 0)
            return -1;
    return 0;
}

static int add_folder(const struct pl_manifest *job, struct pl_buf *out,
                      struct pl_err *err)
{
    const char *name = pl_manifest_str(job, "run.name");
    const char *sql = pl_manifest_str(job, "query.sql");
    PL_AUTO(pl_buf) safe = PL_BUF_INIT;

    if (name == NULL || *name == '\0') {
        if (pl_buf_adds(out, "unnamed-", err) != 0)
            return -1;
        return add_digest(out, sql != NULL ? sql : "", err);
    }
    if (*name == '.' && pl_buf_adds(&safe, "%2E", err) != 0)
        return -1;
    name += *name == '.' ? 1 : 0;
    if (pl_uri_encode(&safe, name, strlen(name), false, err) != 0)
        return -1;
    if (safe.len <= FOLDER_MAX)
        return pl_buf_add(out, pl_buf_str(&safe), safe.len, err);
    if (pl_buf_add(out, safe.data, FOLDER_MAX, err) != 0 ||
        pl_buf_addc(out, '-', err) != 0)
        return -1;
    return add_digest(out, name, err);
}

/* A try on a laptop is no run of the job: no name encodes to "%local". */
int pl_job_folder(const struct pl_manifest *job, struct pl_buf *out,
                  struct pl_err *err)
{
    if (add_folder(job, out, err) != 0)
        return -1;
    return pl_manifest_bool(job, "run.local", false)
               ? pl_buf_adds(out, "%local", err)
               : 0;
}

bool pl_run_id_is_good(const char *id)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz0123456789-_.";
    const size_t len = strlen(id);

    return len > 0 && len <= PL_RUN_ID_MAX && *id != '.' &&
           strspn(id, allowed) == len && strcmp(id, "last") != 0 &&
           !pl_ends_with(id, ".json"); /* the path of a manifest */
}

static int set_place(const struct pl_runs *runs, const char *id,
                     struct pl_run *run, struct pl_err *err)
{
    if (!pl_run_id_is_good(id))
        return pl_fail(err, PL_CONFIG_INVALID,
                       "'%s' is no run's id: 1 to 128 of A-Z a-z 0-9 - _ . and "
                       "no dot first, no .json last",
                       id);
    (void)snprintf(run->id, sizeof(run->id), "%s", id);
    run->is_over = false;
    run->saved = 0;
    pl_buf_reset(&run->dir);
    return pl_buf_addf(&run->dir, err, "%sruns/%s/", runs->root.data, id);
}

/* The run's folder with its job, under a name that is no run's yet. */
static int prepare(const char *dir, const struct pl_manifest *job,
                   struct pl_err *err)
{
    PL_AUTO(pl_buf) manifests = PL_BUF_INIT;
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(PL_MANIFEST_MAX_BYTES * 2);

    if (pl_buf_addf(&manifests, err, "%smanifests", dir) != 0 ||
        pl_manifest_print(job, &text, err) != 0 || pl_mkdirs_for(dir, err) != 0)
        return -1;
    if (mkdir(manifests.data, 0700) != 0 && errno != EEXIST)
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot make directory '%s'",
                             manifests.data);
    return runs_save(dir, "job.json", text.data, text.len, err);
}

/*
 * What a killed start left under the job's temporary name is used again. The
 * rename says whether there is such a run: no folder takes the place of one
 * that is not empty.
 */
int pl_run_create(const struct pl_runs *runs, const struct pl_manifest *job,
                  struct pl_run *run, struct pl_err *err)
{
    const char *id = pl_manifest_str(job, "run.id");
    PL_AUTO(pl_buf) fresh = PL_BUF_INIT;
    PL_AUTO(pl_buf) all = PL_BUF_INIT;

    if (set_place(runs, id != NULL ? id : "", run, err) != 0 ||
        pl_buf_addf(&all, err, "%sruns/", runs->root.data) != 0 ||
        pl_buf_addf(&fresh, err, "%s.new-", all.data) != 0 ||
        pl_job_folder(job, &fresh, err) != 0 ||
        pl_buf_addc(&fresh, '/', err) != 0 ||
        prepare(fresh.data, job, err) != 0)
        return -1;
    if (rename(fresh.data, run->dir.data) != 0) {
        if (errno == ENOTEMPTY || errno == EEXIST)
            return pl_fail(err, PL_USAGE_INVALID, "there is a run '%s' already",
                           id);
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot make '%s'",
                             run->dir.data);
    }
    return runs_sync(all.data, err);
}

static bool has_file(const struct pl_run *run, const char *name)
{
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    struct pl_err ignored = {0};

    return pl_buf_addf(&path, &ignored, "%s%s", run->dir.data, name) == 0 &&
           access(path.data, F_OK) == 0;
}

bool pl_run_exists(const struct pl_runs *runs, const char *id)
{
    PL_AUTO(pl_run) run = {.saved = 0};
    struct pl_err ignored = {0};

    return set_place(runs, id, &run, &ignored) == 0 &&
           has_file(&run, "job.json");
}

/* Takes "NN-<stage>.json" into the run's list. */
static void note_saved(struct pl_run *run, const char *name)
{
    const size_t len = strlen(name);
    size_t number;

    if (len < 9 || name[0] < '0' || name[0] > '9' || name[1] < '0' ||
        name[1] > '9' || name[2] != '-' || !pl_ends_with(name, ".json"))
        return;
    number = (size_t)(name[0] - '0') * 10 + (size_t)(name[1] - '0');
    if (number == 0 || len - 8 >= sizeof(run->stages[0].stage))
        return;
    (void)snprintf(run->stages[number - 1].stage, sizeof(run->stages[0].stage),
                   "%.*s", (int)(len - 8), name + 3);
    if (number > run->saved)
        run->saved = number;
}

static int read_saved(struct pl_run *run, struct pl_err *err)
{
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    const struct dirent *entry;
    DIR *folder;

    memset(run->stages, 0, sizeof(run->stages));
    if (pl_buf_addf(&path, err, "%smanifests", run->dir.data) != 0)
        return -1;
    folder = opendir(path.data);
    if (folder == NULL)
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot read '%s'", path.data);
    while ((entry = readdir(folder)) != NULL)
        note_saved(run, entry->d_name);
    (void)closedir(folder);
    for (size_t i = 0; i < run->saved; i++)
        if (run->stages[i].stage[0] == '\0')
            return pl_fail(err, PL_FILE_ERROR, "'%s' has no manifest %02zu",
                           path.data, i + 1);
    return 0;
}

int pl_run_open(const struct pl_runs *runs, const char *id, struct pl_run *run,
                struct pl_err *err)
{
    if (set_place(runs, id, run, err) != 0)
        return -1;
    if (!has_file(run, "job.json"))
        return pl_fail(err, PL_USAGE_INVALID, "there is no run '%s' in '%s'",
                       id, runs->root.data);
    run->is_over = has_file(run, "receipt.json");
    return read_saved(run, err);
}

static int save(const char *dir, const char *name, const struct pl_manifest *m,
                struct pl_err *err)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(PL_MANIFEST_MAX_BYTES * 2);

    if (pl_manifest_print(m, &text, err) != 0)
        return -1;
    return runs_save(dir, name, text.data, text.len, err);
}

int pl_run_save(struct pl_run *run, const char *stage,
                const struct pl_manifest *m, struct pl_err *err)
{
    PL_AUTO(pl_buf) dir = PL_BUF_INIT;
    PL_AUTO(pl_buf) name = PL_BUF_INIT;

    if (run->saved == PL_RUN_SAVED_MAX)
        return pl_fail(err, PL_INTERNAL_ERROR, "more than %d manifests",
                       PL_RUN_SAVED_MAX);
    if (pl_buf_addf(&dir, err, "%smanifests/", run->dir.data) != 0 ||
        pl_buf_addf(&name, err, "%02zu-%s.json", run->saved + 1, stage) != 0 ||
        save(dir.data, name.data, m, err) != 0)
        return -1;
    note_saved(run, name.data);
    return 0;
}

int pl_run_end(struct pl_run *run, const struct pl_manifest *m,
               struct pl_err *err)
{
    if (save(run->dir.data, "receipt.json", m, err) != 0)
        return -1;
    run->is_over = true;
    return 0;
}

int pl_run_note(const struct pl_run *run, const char *name, const char *text,
                size_t len, struct pl_err *err)
{
    PL_AUTO(pl_buf) path = PL_BUF_INIT;

    if (text != NULL)
        return runs_save(run->dir.data, name, text, len, err);
    if (pl_buf_addf(&path, err, "%s%s", run->dir.data, name) != 0)
        return -1;
    if (unlink(path.data) != 0 && errno != ENOENT)
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot remove '%s'",
                             path.data);
    return 0;
}

int pl_run_read_note(const struct pl_run *run, const char *name,
                     struct pl_buf *out, struct pl_err *err)
{
    PL_AUTO(pl_buf) path = PL_BUF_INIT;

    if (pl_buf_addf(&path, err, "%s%s", run->dir.data, name) != 0)
        return -1;
    return pl_file_read(path.data, out, err);
}

static int read_manifest(const struct pl_run *run, const char *name,
                         struct pl_manifest *m, struct pl_err *err)
{
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(PL_MANIFEST_MAX_BYTES * 2);

    if (pl_buf_addf(&path, err, "%s%s", run->dir.data, name) != 0 ||
        pl_file_read(path.data, &text, err) != 0)
        return -1;
    if (pl_manifest_parse(m, pl_buf_str(&text), text.len, err) != 0)
        return pl_context(err, "'%s'", path.data);
    return 0;
}

int pl_run_first(const struct pl_run *run, struct pl_manifest *m,
                 struct pl_err *err)
{
    return read_manifest(run, "job.json", m, err);
}

int pl_run_last(const struct pl_run *run, struct pl_manifest *m,
                struct pl_err *err)
{
    char name[sizeof(run->stages[0].stage) + 32] = "job.json";

    if (run->saved > 0)
        (void)snprintf(name, sizeof(name), "manifests/%02zu-%s.json",
                       run->saved, run->stages[run->saved - 1].stage);
    return read_manifest(run, run->is_over ? "receipt.json" : name, m, err);
}
