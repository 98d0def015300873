/* All runs of a state folder, and the one that a word means. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/base/file.h"
#include "pipeline/base/text.h"
#include "pipeline/runs/runs.h"

void pl_runs_list_release(struct pl_runs_list *list)
{
    free(list->entries);
    list->entries = NULL;
    list->count = 0;
}

static int compare(const void *a, const void *b)
{
    const struct pl_runs_entry *x = a;
    const struct pl_runs_entry *y = b;

    if (x->begun_ms != y->begun_ms)
        return x->begun_ms < y->begun_ms ? 1 : -1;
    return strcmp(y->id, x->id); /* ids of ours follow the time, too */
}

static int grow(struct pl_runs_list *list, struct pl_err *err)
{
    const size_t room = list->room == 0 ? 64 : 2 * list->room;
    struct pl_runs_entry *entries;

    if (list->count < list->room)
        return 0;
    entries = realloc(list->entries, room * sizeof(*entries));
    if (entries == NULL) {
        (void)pl_fail_memory(err);
        return -1;
    }
    list->entries = entries;
    list->room = room;
    return 0;
}

/* Adds the folder if it is a run's. At most two looks by the file system, and
 * one where only those that are not over are asked for; no file is read. */
static int add(struct pl_runs_list *list, int dir, const char *name,
               bool is_open_only, struct pl_err *err)
{
    char path[512];
    struct pl_runs_entry *entry;
    struct stat about;
    bool is_over;

    if (!pl_run_id_is_good(name))
        return 0;
    (void)snprintf(path, sizeof(path), "%s/receipt.json", name);
    is_over = faccessat(dir, path, F_OK, 0) == 0;
    (void)snprintf(path, sizeof(path), "%s/job.json", name);
    if ((is_over && is_open_only) || fstatat(dir, path, &about, 0) != 0)
        return 0;
    if (grow(list, err) != 0)
        return -1;
    entry = &list->entries[list->count++];
    memcpy(entry->id, name, strlen(name) + 1);
    entry->begun_ms =
        (int64_t)about.st_mtim.tv_sec * 1000 + about.st_mtim.tv_nsec / 1000000;
    entry->is_over = is_over;
    return 0;
}

static int list_runs(const struct pl_runs *runs, bool is_open_only,
                     struct pl_runs_list *list, struct pl_err *err)
{
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    const struct dirent *entry;
    DIR *folder;
    int rc = 0;

    memset(list, 0, sizeof(*list));
    if (pl_buf_addf(&path, err, "%sruns", runs->root.data) != 0)
        return -1;
    folder = opendir(path.data);
    if (folder == NULL)
        return errno == ENOENT ? 0
                               : pl_fail_errno(err, PL_FILE_ERROR,
                                               "cannot read '%s'", path.data);
    while (rc == 0 && (entry = readdir(folder)) != NULL)
        rc = add(list, dirfd(folder), entry->d_name, is_open_only, err);
    (void)closedir(folder);
    if (rc == 0 && list->count > 0)
        qsort(list->entries, list->count, sizeof(*list->entries), compare);
    return rc;
}

int pl_runs_list(const struct pl_runs *runs, struct pl_runs_list *list,
                 struct pl_err *err)
{
    return list_runs(runs, false, list, err);
}

int pl_runs_list_open(const struct pl_runs *runs, struct pl_runs_list *list,
                      struct pl_err *err)
{
    return list_runs(runs, true, list, err);
}

/* The entry whose id begins with word; how many there are. */
static size_t match(const struct pl_runs_list *list, const char *word,
                    const char **id)
{
    const size_t len = strlen(word);
    size_t found = 0;

    for (size_t i = 0; i < list->count; i++) {
        if (strlen(list->entries[i].id) < len ||
            !pl_ieqn(list->entries[i].id, len, word, len))
            continue;
        if (found++ == 0)
            *id = list->entries[i].id;
    }
    return found;
}

int pl_runs_find(const struct pl_runs *runs, const char *word,
                 struct pl_run *run, struct pl_err *err)
{
    PL_AUTO(pl_runs_list) list = {.count = 0};
    const char *id = NULL;
    size_t found;

    if (pl_run_id_is_good(word) && pl_run_exists(runs, word))
        return pl_run_open(runs, word, run, err);
    if (pl_runs_list(runs, &list, err) != 0)
        return -1;
    if (strcmp(word, "last") == 0) {
        found = list.count > 0 ? 1 : 0;
        id = found > 0 ? list.entries[0].id : NULL;
    } else {
        found = *word != '\0' ? match(&list, word, &id) : 0;
    }
    if (found == 0)
        return pl_fail(err, PL_USAGE_INVALID, "there is no run '%s' in '%s'",
                       word, runs->root.data);
    if (found > 1)
        return pl_fail(err, PL_USAGE_INVALID,
                       "'%s' is the beginning of %zu runs, '%s' is one", word,
                       found, id);
    return pl_run_open(runs, id, run, err);
}

int pl_runs_read(const struct pl_runs *runs, const char *word,
                 struct pl_manifest *m, struct pl_err *err)
{
    PL_AUTO(pl_run) run = {.saved = 0};
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(PL_MANIFEST_MAX_BYTES * 2);
    int rc;

    if (strcmp(word, "-") != 0 && strchr(word, '/') == NULL &&
        !pl_ends_with(word, ".json")) {
        if (pl_runs_find(runs, word, &run, err) != 0)
            return -1;
        return pl_run_last(&run, m, err);
    }
    rc = strcmp(word, "-") == 0
             ? pl_fd_read_all(STDIN_FILENO, "standard input", &text, err)
             : pl_file_read(word, &text, err);
    if (rc != 0)
        return -1;
    if (pl_manifest_parse(m, pl_buf_str(&text), text.len, err) != 0)
        return pl_context(err, "'%s'", word);
    return 0;
}
