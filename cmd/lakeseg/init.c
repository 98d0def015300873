/* lakeseg init - a job to begin with. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/lakeseg/verb.h"
#include "pipeline/base/file.h"
#include "pipeline/base/opts.h"
#include "pipeline/base/process.h"
#include "pipeline/base/text.h"

#define DEFAULT_FILE "job.json"

enum answer {
    ANSWER_NAME,
    ANSWER_DESTINATION,
    ANSWER_SQL,
    ANSWER_DATABASE,
    ANSWER_OUTPUT_URI,
    ANSWER_APPLICATION,
    ANSWER_ROLE,
    ANSWER_DOMAIN,
    ANSWER_EXPIRY,
    ANSWER_TOPIC,
    ANSWER_COUNT
};

/* only_for: which destination it is asked for; NULL: any. */
static const struct {
    const char *option;
    const char *path;
    const char *question;
    const char *fallback; /* NULL: there must be an answer; "": there may */
    const char *only_for;
} questions[ANSWER_COUNT] = {
    {"name", "run.name", "The job's name, as in notifications", NULL, NULL},
    {"destination", "import.destination", "pinpoint or customer-profiles",
     "pinpoint", NULL},
    {"sql", "query.sql", "The query: one SELECT that yields Id",
     "SELECT id AS Id FROM contacts", NULL},
    {"database", "query.database", "The database in the Glue catalog", NULL,
     NULL},
    {"output-uri", "query.output_uri", "Where results go, s3://bucket/folder/",
     NULL, NULL},
    {"application-id", "import.application_id", "The Pinpoint application",
     NULL, "pinpoint"},
    {"role-arn", "import.role_arn",
     "The role by which Pinpoint reads the bucket", NULL, "pinpoint"},
    {"domain", "import.domain", "The Customer Profiles domain", NULL,
     "customer-profiles"},
    {"expiry-days", "import.expiry_days",
     "After how many days (1 to 1098) profiles go that no import renews", NULL,
     "customer-profiles"},
    {"topic-arn", "notify.topic_arn", "The SNS topic to tell", "", NULL},
};

/* What people read above the fields that they will change. */
static const struct {
    const char *path;
    const char *text;
} comments[] = {
    {"query.comment",
     "One read-only SELECT; its columns are the endpoint's: Id, Address, "
     "ChannelType, Attributes.*, User.UserAttributes.*. Judge it with: "
     "lakeseg check"},
    {"validate.comment",
     "The run stops before the import when more rows than this are rejected, "
     "or fewer than min_rows are left."},
    {"import.comment", "Where the rows go. See docs/settings.md for the rest."},
    {"notify.comment", "Every outcome is published to this topic."},
};

struct options {
    const char *answers[ANSWER_COUNT];
    const char *output;
    bool is_forced;
};

static bool is_asked_for(const struct options *o, size_t i)
{
    return questions[i].only_for == NULL ||
           strcmp(questions[i].only_for, o->answers[ANSWER_DESTINATION]) == 0;
}

/* One line from the terminal, the caller's; NULL: there is none. */
static char *ask(size_t i, struct pl_err *err)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t n;

    (void)fprintf(stderr, "%s%s%s%s: ", questions[i].question,
                  questions[i].fallback != NULL ? " [" : "",
                  questions[i].fallback != NULL ? questions[i].fallback : "",
                  questions[i].fallback != NULL ? "]" : "");
    n = getline(&line, &room, stdin);
    if (n < 0) {
        free(line);
        (void)pl_fail(err, PL_USAGE_INVALID, "no answer to '%s'",
                      questions[i].option);
        return NULL;
    }
    line[strcspn(line, "\r\n")] = '\0';
    return line;
}

/* Asks until there is an answer; kept holds what is to be freed. */
static int answer_by_asking(struct options *o, size_t i,
                            char *kept[ANSWER_COUNT], struct pl_err *err)
{
    for (;;) {
        free(kept[i]);
        kept[i] = ask(i, err);
        if (kept[i] == NULL)
            return -1;
        if (*kept[i] != '\0') {
            o->answers[i] = kept[i];
            return 0;
        }
        if (questions[i].fallback != NULL) {
            o->answers[i] = questions[i].fallback;
            return 0;
        }
    }
}

static int answer_one(struct options *o, size_t i, char *kept[ANSWER_COUNT],
                      struct pl_err *err)
{
    if (o->answers[i] != NULL)
        return 0;
    if (isatty(STDIN_FILENO) == 1)
        return answer_by_asking(o, i, kept, err);
    o->answers[i] = questions[i].fallback;
    return o->answers[i] != NULL
               ? 0
               : pl_fail(err, PL_USAGE_INVALID,
                         "--%s is missing, and there is no terminal to ask",
                         questions[i].option);
}

static int answer_all(struct options *o, char *kept[ANSWER_COUNT],
                      struct pl_err *err)
{
    static const char *const destinations[] = {"pinpoint", "customer-profiles"};

    for (size_t i = 0; i < ANSWER_COUNT; i++) {
        if (is_asked_for(o, i) && answer_one(o, i, kept, err) != 0)
            return -1;
        if (i == ANSWER_DESTINATION &&
            !pl_is_one_of(o->answers[i], destinations, PL_COUNT(destinations)))
            return pl_fail(err, PL_USAGE_INVALID,
                           "the destination is pinpoint or customer-profiles, "
                           "not '%s'",
                           o->answers[i]);
    }
    return 0;
}

static int set_answer(const struct options *o, size_t i, struct pl_manifest *m,
                      struct pl_err *err)
{
    uint64_t days;

    if (i != ANSWER_EXPIRY)
        return pl_manifest_set_str(m, questions[i].path, o->answers[i], err);
    if (pl_parse_u64(o->answers[i], &days) != 0 || days < 1 || days > 1098)
        return pl_fail(err, PL_USAGE_INVALID,
                       "'%s' is no number of days from 1 to 1098",
                       o->answers[i]);
    return pl_manifest_set_int(m, questions[i].path, (int64_t)days, err);
}

static int fill(const struct options *o, struct pl_manifest *m,
                struct pl_err *err)
{
    /* the sections in the order in which a run goes through them */
    static const char *const sections[] = {"run", "query", "validate", "import",
                                           "notify"};

    for (size_t i = 0; i < PL_COUNT(sections); i++)
        if (pl_manifest_set_new(m, sections[i], json_object(), err) != 0)
            return -1;
    for (size_t i = 0; i < PL_COUNT(comments); i++)
        if (pl_manifest_set_str(m, comments[i].path, comments[i].text, err) !=
            0)
            return -1;
    for (size_t i = 0; i < ANSWER_COUNT; i++)
        if (is_asked_for(o, i) && *o->answers[i] != '\0' &&
            set_answer(o, i, m, err) != 0)
            return -1;
    return pl_manifest_set_new(
        m, "validate.limits",
        json_pack("{s:f, s:i}", "max_reject_percent", 1.0, "min_rows", 1), err);
}

static int write_job(const struct options *o, const struct pl_manifest *m,
                     struct pl_err *err)
{
    char *text = json_dumps(m->root, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    PL_AUTO(pl_buf) all = PL_BUF_INIT;
    int rc;

    if (text == NULL)
        return pl_fail_memory(err);
    rc = pl_buf_addf(&all, err, "%s\n", text);
    free(text);
    if (rc != 0)
        return -1;
    if (strcmp(o->output, "-") == 0) {
        (void)fputs(all.data, stdout);
        return pl_stdout_close(err);
    }
    if (!o->is_forced && access(o->output, F_OK) == 0)
        return pl_fail(err, PL_USAGE_INVALID,
                       "'%s' is there already; --force writes over it",
                       o->output);
    if (pl_file_write(o->output, all.data, all.len, err) != 0)
        return -1;
    printf("%s is written. Next: lakeseg check %s\n", o->output, o->output);
    return pl_stdout_close(err);
}

static int init(struct options *o, struct pl_err *err)
{
    PL_AUTO(pl_manifest) m = {0};
    char *kept[ANSWER_COUNT] = {NULL};
    int rc = answer_all(o, kept, err);

    if (rc == 0 && (pl_manifest_init(&m, err) != 0 || fill(o, &m, err) != 0 ||
                    write_job(o, &m, err) != 0))
        rc = -1;
    for (size_t i = 0; i < ANSWER_COUNT; i++)
        free(kept[i]);
    return rc;
}

int verb_init(int argc, char **argv)
{
    struct options o = {.output = DEFAULT_FILE};
    struct pl_opt opts[ANSWER_COUNT + 3] = {
        {"output", PL_OPT_STR, &o.output, "FILE",
         "where the job goes, - for standard output; default " DEFAULT_FILE,
         NULL},
        {"force", PL_OPT_FLAG, &o.is_forced, NULL,
         "write over a file that is there", NULL},
    };
    const struct pl_cli cli = {
        .name = "lakeseg init",
        .summary = "write a job to begin with",
        .text = "Asks on the terminal for what no option says, and writes a "
                "job with a comment in each section. Without a terminal all "
                "that has no default must be an option.\n\n"
                "JSON has no comments: they are fields named comment, which "
                "lakeseg passes on.",
        .examples = "lakeseg init\n"
                    "lakeseg init --name renewal-30d --database crm "
                    "--output-uri s3://results/athena/ --application-id 1a2b "
                    "--role-arn arn:aws:iam::123456789012:role/import",
        .see_also = "lakeseg-check(1), lakeseg-run(1)",
        .opts = opts};
    struct pl_err err = {0};
    int rc;

    for (size_t i = 0; i < ANSWER_COUNT; i++)
        opts[i + 2] = (struct pl_opt){questions[i].option,   PL_OPT_STR,
                                      &o.answers[i],         "TEXT",
                                      questions[i].question, NULL};
    rc = pl_opts_parse(&cli, argc, argv, NULL, &err);
    if (rc > 0)
        return 0;
    if (rc == 0)
        rc = init(&o, &err);
    return rc == 0 ? 0 : pl_process_exit(&err);
}
