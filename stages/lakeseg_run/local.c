/* A lakeseg-local for the time of a run. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pipeline/base/child.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/file.h"
#include "pipeline/base/process.h"
#include "stages/lakeseg_run/lakeseg_run.h"

#define START_TRIES 200 /* of 50 ms */

/* The published example keys: lakeseg-local's default. */
#define EXAMPLE_KEY "AKIDEXAMPLE"
#define EXAMPLE_SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

static int set_environment(const char *url, struct pl_err *err)
{
    if (setenv("AWS_ENDPOINT_URL", url, 1) != 0 ||
        setenv("AWS_REGION", "us-east-1", 1) != 0 ||
        setenv("AWS_ACCESS_KEY_ID", EXAMPLE_KEY, 1) != 0 ||
        setenv("AWS_SECRET_ACCESS_KEY", EXAMPLE_SECRET, 1) != 0 ||
        unsetenv("AWS_SESSION_TOKEN") != 0 || unsetenv("AWS_PROFILE") != 0 ||
        setenv("LAKESEG_POLL_INTERVAL_MS", "100", 0) != 0)
        return pl_fail_memory(err);
    return 0;
}

/* The bucket of "s3://bucket/...", or a name that every job may use. */
static void bucket_of(const char *uri, char bucket[64])
{
    const char *name =
        uri != NULL && strncmp(uri, "s3://", 5) == 0 ? uri + 5 : "lakeseg";
    const size_t len = strcspn(name, "/");

    (void)snprintf(bucket, 64, "%.*s", len < 63 ? (int)len : 63, name);
}

static int read_url(const char *path, char url[128])
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(4096);
    struct pl_err ignored = {0};
    json_t *ready;
    const char *found;

    if (pl_file_read(path, &text, &ignored) != 0)
        return -1;
    ready = json_loads(text.data, 0, NULL);
    found = json_string_value(json_object_get(ready, "url"));
    if (found != NULL)
        (void)snprintf(url, 128, "%s", found);
    json_decref(ready);
    return found != NULL ? 0 : -1;
}

static int wait_ready(struct lakeseg_local *local, const char *ready,
                      struct pl_err *err)
{
    for (int i = 0; i < START_TRIES; i++) {
        int status;

        if (read_url(ready, local->url) == 0)
            return 0;
        if (waitpid(local->pid, &status, WNOHANG) == local->pid) {
            local->pid = 0;
            break;
        }
        if (pl_sleep_ms(&pl_clock_real, 50, err) != 0)
            return -1;
    }
    return pl_fail(err, PL_HOST_ERROR, "lakeseg-local did not start");
}

int lakeseg_local_start(struct lakeseg_local *local, const char *bin_dir,
                        const char *lake, const char *state,
                        const struct pl_manifest *job, struct pl_err *err)
{
    const char *app = pl_manifest_str(job, "import.application_id");
    const char *topic = pl_manifest_str(job, "notify.topic_arn");
    const char *colon = topic != NULL ? strrchr(topic, ':') : NULL;
    PL_AUTO(pl_buf) ready = PL_BUF_INIT;
    /* the stage that Ctrl-C stops still has to stop its query there */
    const struct pl_child_io io = {
        .in = -1, .out = STDERR_FILENO, .errors = -1, .is_apart = true};
    char bucket[64];
    const char *argv[16] = {"lakeseg-local"};
    size_t n = 1;

    bucket_of(pl_manifest_str(job, "query.output_uri"), bucket);
    (void)snprintf(local->dir, sizeof(local->dir), "/tmp/lakeseg-run-XXXXXX");
    if (mkdtemp(local->dir) == NULL) {
        local->dir[0] = '\0';
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot make a folder");
    }
    if (pl_buf_addf(&ready, err, "%s/ready", local->dir) != 0)
        return -1;
    argv[n++] = "--ready-file";
    argv[n++] = ready.data;
    argv[n++] = "--bucket";
    argv[n++] = bucket;
    argv[n++] = "--app";
    argv[n++] = app != NULL ? app : "local";
    argv[n++] = "--topic";
    argv[n++] = colon != NULL ? colon + 1 : "lakeseg";
    argv[n++] = "--log";
    argv[n++] = "warn";
    argv[n++] = lake != NULL ? "--lake" : NULL;
    argv[n++] = lake;
    if (lake != NULL && state != NULL) {
        argv[n++] = "--state";
        argv[n++] = state;
    }
    if (pl_child_start_with(bin_dir, argv, &io, &local->pid, err) != 0 ||
        wait_ready(local, ready.data, err) != 0)
        return -1;
    return set_environment(local->url, err);
}

void lakeseg_local_release(struct lakeseg_local *local)
{
    char path[80];

    if (local->pid > 0) {
        (void)kill(local->pid, SIGTERM);
        while (waitpid(local->pid, NULL, 0) < 0 && errno == EINTR)
            continue;
        local->pid = 0;
    }
    if (local->dir[0] != '\0') {
        (void)snprintf(path, sizeof(path), "%.63s/ready", local->dir);
        (void)unlink(path);
        (void)rmdir(local->dir);
        local->dir[0] = '\0';
    }
}
