#include "stages/profiles_import/progress.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/file.h"
#include "pipeline/base/log.h"
#include "pipeline/base/text.h"
#include "pipeline/stream/copy.h"

#define JOURNAL "profiles-import.progress"
#define REJECTS "import-rejects.jsonl"

void profiles_progress_release(struct profiles_progress *p)
{
    pl_journal_release(&p->journal);
    pl_buf_release(&p->path);
    pl_buf_release(&p->uri);
    if (p->fd >= 0)
        (void)close(p->fd);
    p->fd = -1;
}

/* What is moved, and where to: another file or domain begins anew. */
static int make_head(const struct profiles_run *run, struct pl_buf *head,
                     struct pl_err *err)
{
    if (pl_buf_addf(head, err, "%s %s", run->set.domain,
                    run->set.object_type) != 0)
        return -1;
    for (size_t i = 0; i < run->part_count; i++)
        if (pl_buf_addf(head, err, " %" PRId64 ":%s", run->parts[i].data.rows,
                        run->parts[i].data.crc64nvme != NULL
                            ? run->parts[i].data.crc64nvme
                            : "") != 0)
            return -1;
    return pl_buf_addc(head, '\n', err);
}

/* "done failed bytes\n": the last whole line counts. */
static void read_lines(struct profiles_progress *p)
{
    const char *text = pl_buf_str(&p->journal.lines);

    for (const char *end; (end = strchr(text, '\n')) != NULL; text = end + 1) {
        int64_t n[3] = {0, 0, 0};
        char *at = (char *)(uintptr_t)text;

        for (size_t i = 0; i < PL_COUNT(n); i++)
            n[i] = strtoll(at, &at, 10);
        if (at != end || n[0] < p->done || n[1] < 0 || n[2] < 0)
            return; /* not ours */
        p->done = n[0];
        p->failed = n[1];
        p->bytes = n[2];
    }
}

static int open_rejects(struct profiles_progress *p, struct pl_err *err)
{
    p->fd = open(p->path.data, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (p->fd < 0 || ftruncate(p->fd, (off_t)p->bytes) != 0 ||
        lseek(p->fd, 0, SEEK_END) < 0)
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot write '%s'",
                             p->path.data);
    return 0;
}

int profiles_progress_open(struct profiles_progress *p,
                           const struct profiles_run *run, struct pl_err *err)
{
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    PL_AUTO(pl_buf) head = PL_BUF_INIT;
    bool is_other = false;

    memset(p, 0, sizeof(*p));
    p->fd = -1;
    p->journal.fd = -1;
    if (pl_manifest_work_dir(run->m, &path, err) != 0 ||
        pl_mkdirs(path.data, err) != 0 ||
        pl_buf_addf(&p->path, err, "%s" REJECTS, path.data) != 0 ||
        pl_buf_adds(&path, JOURNAL, err) != 0 ||
        make_head(run, &head, err) != 0 ||
        pl_journal_open(&p->journal, path.data, head.data, &is_other, err) != 0)
        return -1;
    if (!is_other)
        read_lines(p);
    if (p->done > 0)
        pl_info("%" PRId64 " of %" PRId64 " rows were put by an earlier try",
                p->done, run->rows);
    return p->bytes > 0 ? open_rejects(p, err) : 0;
}

int profiles_progress_reject(struct profiles_progress *p, json_t *take,
                             struct pl_err *err)
{
    PL_AUTO_STR *text = json_dumps(take, JSON_COMPACT);

    json_decref(take);
    if (text == NULL)
        return pl_fail_memory(err);
    if (p->fd < 0 && open_rejects(p, err) != 0)
        return -1;
    if (pl_fd_write_all(p->fd, text, strlen(text), err) != 0 ||
        pl_fd_write_all(p->fd, "\n", 1, err) != 0)
        return pl_context(err, "cannot write '%s'", p->path.data);
    p->bytes += (int64_t)strlen(text) + 1;
    p->failed++;
    return 0;
}

int profiles_progress_save(struct profiles_progress *p, int64_t rows,
                           struct pl_err *err)
{
    char line[80];

    p->done += rows;
    (void)snprintf(line, sizeof(line), "%" PRId64 " %" PRId64 " %" PRId64 "\n",
                   p->done, p->failed, p->bytes);
    return pl_journal_add(&p->journal, line, err);
}

int profiles_progress_publish(struct profiles_progress *p,
                              struct profiles_run *run, struct pl_err *err)
{
    struct pl_copied copied = {.bytes = p->bytes};
    struct pl_data data = {.role = "rejects",
                           .format = "jsonl",
                           .compression = "none",
                           .rows = p->failed,
                           .bytes = p->bytes};

    if (p->failed == 0)
        return 0;
    if (!pl_starts_with(run->parts[0].data.uri, "s3://")) {
        if (pl_buf_adds(&p->uri, p->path.data, err) != 0)
            return -1;
    } else if (pl_manifest_work_uri(run->m, &p->uri, err) != 0 ||
               pl_buf_adds(&p->uri, "rejects/" REJECTS, err) != 0 ||
               pl_copy(p->path.data, p->uri.data, NULL, run->aws, NULL, "sent",
                       &copied, err) != 0) {
        return pl_context(err, "cannot keep what the service refused");
    }
    data.uri = p->uri.data;
    return pl_manifest_data_add(run->m, &data, err);
}
