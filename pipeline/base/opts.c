#include "pipeline/base/opts.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/log.h"
#include "pipeline/base/process.h"
#include "pipeline/base/text.h"

static const struct pl_opt common[] = {
    {"log", PL_OPT_STR, NULL, "LEVEL", "error, warn, info (default) or debug",
     "LAKESEG_LOG"},
    {"help", PL_OPT_FLAG, NULL, NULL,
     "print this text; --help=man prints the manual page", NULL},
    {"version", PL_OPT_FLAG, NULL, NULL, "print the version", NULL},
};

static const struct {
    int exit;
    const char *text;
} exits[] = {
    {0, "success"},
    {64, "UsageInvalid: a wrong option or argument"},
    {65, "QueryInvalid, DataInvalid: for the analyst"},
    {66, "ManifestInvalid: the stage before sent no complete manifest"},
    {69, "QueryFailed, QueryCancelled, QueryTimedOut, ImportFailed, "
         "ImportPartial, ImportTimedOut, ServiceRefused: the service said no"},
    {70, "InternalError: a fault of this program"},
    {71, "HostError: memory, processes"},
    {74, "FileError: reading or writing failed"},
    {75, "ServiceUnavailable, Throttled: try later; Interrupted: by a signal; "
         "AlreadyRunning: another run of the job is not over"},
    {77, "AccessDenied, CredentialsMissing, CredentialsExpired, "
         "SignatureRefused: for the operator"},
    {78, "ConfigInvalid, Retired: for the operator"},
};

int pl_parse_size(const char *text, int64_t *bytes)
{
    static const char units[] = "KMG";
    const char *unit;
    char *end = NULL;
    long long v;

    if (!isdigit((unsigned char)*text))
        return -1;
    v = strtoll(text, &end, 10);
    if (*end == '\0') {
        *bytes = v;
        return 0;
    }
    unit = strchr(units, toupper((unsigned char)*end));
    if (unit == NULL || end[1] != '\0' || v > (INT64_MAX >> 30))
        return -1;
    *bytes = (int64_t)v << (10 * (unit - units + 1));
    return 0;
}

static int parse_int(const char *text, int64_t *out)
{
    const char *at = *text == '-' ? text + 1 : text;
    uint64_t v = 0;

    if (pl_parse_u64(at, &v) != 0 || v > INT64_MAX)
        return -1;
    *out = at == text ? (int64_t)v : -(int64_t)v;
    return 0;
}

static int set_log_level(const char *text)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};

    for (unsigned i = 0; i < PL_COUNT(names); i++) {
        if (strcmp(text, names[i]) == 0) {
            pl_log_set_level((enum pl_log_level)i);
            return 0;
        }
    }
    return -1;
}

static int set_value(const struct pl_opt *opt, const char *text,
                     struct pl_err *err)
{
    int rc = 0;

    if (opt->value == NULL)
        rc = set_log_level(text);
    else if (opt->type == PL_OPT_STR)
        *(const char **)opt->value = text;
    else if (opt->type == PL_OPT_INT)
        rc = parse_int(text, opt->value);
    else
        rc = pl_parse_size(text, opt->value);
    if (rc != 0)
        return pl_fail(err, PL_USAGE_INVALID, "option '--%s': '%s' is not %s",
                       opt->name, text,
                       opt->value == NULL        ? "a log level"
                       : opt->type == PL_OPT_INT ? "a whole number"
                                                 : "a size in bytes");
    return 0;
}

static const struct pl_opt *find(const struct pl_cli *cli, const char *name,
                                 size_t len)
{
    for (const struct pl_opt *o = cli->opts; o->name != NULL; o++)
        if (strlen(o->name) == len && memcmp(o->name, name, len) == 0)
            return o;
    for (size_t i = 0; i < PL_COUNT(common); i++)
        if (strlen(common[i].name) == len &&
            memcmp(common[i].name, name, len) == 0)
            return &common[i];
    return NULL;
}

static int unknown_option(const struct pl_cli *cli, const char *arg,
                          struct pl_err *err)
{
    const char *nearest = NULL;
    unsigned best = 4;

    for (const struct pl_opt *o = cli->opts; o->name != NULL; o++) {
        const unsigned d = pl_edit_distance(arg + 2, o->name);

        if (d < best) {
            best = d;
            nearest = o->name;
        }
    }
    if (nearest != NULL)
        return pl_fail(err, PL_USAGE_INVALID,
                       "unknown option '%s'; did you mean '--%s'?", arg,
                       nearest);
    return pl_fail(err, PL_USAGE_INVALID, "unknown option '%s'", arg);
}

const struct pl_command *pl_command_nearest(const struct pl_command *commands,
                                            const char *name)
{
    const struct pl_command *nearest = NULL;
    unsigned best = 4;

    for (const struct pl_command *c = commands; c->name != NULL; c++) {
        const unsigned d = pl_edit_distance(name, c->name);

        if (d < best && d < strlen(c->name)) {
            best = d;
            nearest = c;
        }
    }
    return nearest;
}

static void print_usage(const struct pl_cli *cli)
{
    printf("usage: %s [OPTION]...%s%s\n\n%s.\n\n", cli->name,
           cli->operands != NULL ? " " : "",
           cli->operands != NULL ? cli->operands : "", cli->summary);
}

static void print_opt(const struct pl_opt *o)
{
    char left[64];

    (void)snprintf(left, sizeof(left), "--%s%s%s", o->name,
                   o->meta != NULL ? " " : "", o->meta != NULL ? o->meta : "");
    printf("  %-26s %s%s%s%s\n", left, o->help, o->env != NULL ? " [" : "",
           o->env != NULL ? o->env : "", o->env != NULL ? "]" : "");
}

static void print_commands(const struct pl_cli *cli)
{
    if (cli->commands == NULL)
        return;
    for (const struct pl_command *c = cli->commands; c->name != NULL; c++)
        printf("  %-26s %s\n", c->name, c->summary);
    printf("\n");
}

static void print_help(const struct pl_cli *cli)
{
    print_usage(cli);
    print_commands(cli);
    for (const struct pl_opt *o = cli->opts; o->name != NULL; o++)
        print_opt(o);
    for (size_t i = 0; i < PL_COUNT(common); i++)
        print_opt(&common[i]);
    printf("\nSee also: %s\n", cli->see_also);
}

/* Text for roff: a hyphen stays a hyphen, a backslash is doubled, a line
 * that starts with a dot or a quote is kept text. */
static void man_text(const char *text)
{
    bool is_line_start = true;

    for (const char *p = text; *p != '\0'; p++) {
        if (is_line_start && (*p == '.' || *p == '\''))
            (void)fputs("\\&", stdout);
        if (*p == '\\')
            (void)fputs("\\e", stdout);
        else if (*p == '-')
            (void)fputs("\\-", stdout);
        else
            (void)putchar(*p);
        is_line_start = *p == '\n';
    }
}

static void man_opt(const struct pl_opt *o)
{
    printf(".TP\n\\fB\\-\\-");
    man_text(o->name);
    printf("\\fR");
    if (o->meta != NULL) {
        printf(" \\fI");
        man_text(o->meta);
        printf("\\fR");
    }
    printf("\n");
    man_text(o->help);
    if (o->env != NULL) {
        printf(" (environment: ");
        man_text(o->env);
        printf(")");
    }
    printf("\n");
}

static void man_paragraphs(const char *text)
{
    const char *gap;

    for (; (gap = strstr(text, "\n\n")) != NULL; text = gap + 2) {
        char part[4096];

        (void)snprintf(part, sizeof(part), "%.*s", (int)(gap - text), text);
        man_text(part);
        printf("\n.PP\n");
    }
    man_text(text);
    printf("\n");
}

static void man_commands(const struct pl_cli *cli)
{
    if (cli->commands == NULL)
        return;
    printf(".SH COMMANDS\n");
    for (const struct pl_command *c = cli->commands; c->name != NULL; c++) {
        printf(".TP\n\\fB");
        man_text(c->name);
        printf("\\fR\n");
        man_text(c->summary);
        printf("\n");
    }
}

/* The name of the page: "lakeseg-run" of "lakeseg run". */
static void man_name(const struct pl_cli *cli, char name[64])
{
    size_t i = 0;

    for (; cli->name[i] != '\0' && i + 1 < 64; i++)
        name[i] = (char)(cli->name[i] == ' ' ? '-' : cli->name[i]);
    name[i] = '\0';
}

static void man_title(const char *name)
{
    printf(".TH \"");
    for (; *name != '\0'; name++)
        (void)putchar(toupper((unsigned char)*name));
    printf("\" \"1\" \"\" \"lakeseg %s\" \"User Commands\"\n", LAKESEG_VERSION);
}

static void print_man(const struct pl_cli *cli)
{
    char name[64];
    size_t i;

    man_name(cli, name);
    man_title(name);
    printf(".SH NAME\n");
    man_text(name);
    printf(" \\- ");
    man_text(cli->summary);
    printf("\n.SH SYNOPSIS\n\\fB");
    man_text(cli->name);
    printf("\\fR [\\fIOPTION\\fR]...");
    if (cli->operands != NULL) {
        printf(" \\fI");
        man_text(cli->operands);
        printf("\\fR");
    }
    printf("\n.SH DESCRIPTION\n");
    man_paragraphs(cli->text);
    man_commands(cli);
    printf(".SH OPTIONS\n");
    for (const struct pl_opt *o = cli->opts; o->name != NULL; o++)
        man_opt(o);
    for (i = 0; i < PL_COUNT(common); i++)
        man_opt(&common[i]);
    printf(".SH \"EXIT STATUS\"\n");
    for (i = 0; i < PL_COUNT(exits); i++)
        printf(".TP\n\\fB%d\\fR\n%s\n", exits[i].exit, exits[i].text);
    if (cli->examples != NULL) {
        printf(".SH EXAMPLES\n.nf\n");
        man_text(cli->examples);
        printf("\n.fi\n");
    }
    printf(".SH \"SEE ALSO\"\n");
    man_text(cli->see_also);
    printf("\n");
}

/* 1 when the option was one of ours and is answered, 0 when it was not. */
static int answer(const struct pl_cli *cli, const struct pl_opt *opt,
                  const char *value)
{
    if (opt == &common[1] && value != NULL && strcmp(value, "man") == 0)
        print_man(cli);
    else if (opt == &common[1])
        print_help(cli);
    else if (opt == &common[2])
        printf("%s %s\n", cli->name, LAKESEG_VERSION);
    else
        return 0;
    return 1;
}

/* Reads the option at argv[*i]; moves *i on when the value is the next. */
static int parse_one(const struct pl_cli *cli, int argc, char **argv, int *i,
                     struct pl_err *err)
{
    const char *arg = argv[*i];
    const char *equals = strchr(arg, '=');
    const size_t len =
        equals != NULL ? (size_t)(equals - arg - 2) : strlen(arg + 2);
    const struct pl_opt *opt = find(cli, arg + 2, len);
    const char *value = equals != NULL ? equals + 1 : NULL;

    if (opt == NULL)
        return unknown_option(cli, arg, err);
    if (answer(cli, opt, value) == 1)
        return pl_stdout_close(err) == 0 ? 1 : -1;
    if (opt->type == PL_OPT_FLAG) {
        if (value != NULL)
            return pl_fail(err, PL_USAGE_INVALID,
                           "option '--%s' takes no value", opt->name);
        *(bool *)opt->value = true;
        return 0;
    }
    if (value == NULL) {
        if (*i + 1 >= argc)
            return pl_fail(err, PL_USAGE_INVALID, "option '--%s' needs %s",
                           opt->name, opt->meta);
        value = argv[++*i];
    }
    return set_value(opt, value, err);
}

int pl_opts_parse(const struct pl_cli *cli, int argc, char **argv, int *first,
                  struct pl_err *err)
{
    int operands = 0; /* kept in argv from 1 on until the options are read */
    int i = 1;

    for (; i < argc; i++) {
        int rc;

        if (strcmp(argv[i], "--") == 0)
            break;
        if (argv[i][0] != '-' || argv[i][1] == '\0') {
            argv[1 + operands++] = argv[i]; /* "-" is one, too */
            continue;
        }
        if (argv[i][1] != '-')
            return pl_fail(err, PL_USAGE_INVALID,
                           "unknown option '%s'; options are long: '--name'",
                           argv[i]);
        rc = parse_one(cli, argc, argv, &i, err);
        if (rc != 0)
            return rc;
    }
    for (i++; i < argc; i++)
        argv[1 + operands++] = argv[i];
    if (first == NULL && operands > 0)
        return pl_fail(err, PL_USAGE_INVALID, "unexpected argument '%s'",
                       argv[1]);
    memmove(argv + argc - operands, argv + 1, (size_t)operands * sizeof(*argv));
    if (first != NULL)
        *first = argc - operands;
    return 0;
}

const char *pl_env(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && *value != '\0' ? value : NULL;
}

const char *pl_setting(const char *opt, const char *env, const char *fallback)
{
    const char *value = opt != NULL && *opt != '\0' ? opt : pl_env(env);

    return value != NULL ? value : fallback;
}

const char *pl_setting_of(const char *opt, const char *manifest,
                          const char *env)
{
    return pl_setting(opt != NULL && *opt != '\0' ? opt : manifest, env, NULL);
}

int pl_setting_int(int64_t opt, const char *env, int64_t fallback, int64_t *out,
                   struct pl_err *err)
{
    const char *text = getenv(env);

    if (opt != PL_UNSET) {
        *out = opt;
        return 0;
    }
    if (text == NULL || *text == '\0') {
        *out = fallback;
        return 0;
    }
    if (parse_int(text, out) != 0 && pl_parse_size(text, out) != 0)
        return pl_fail(err, PL_CONFIG_INVALID, "%s: '%s' is not a number", env,
                       text);
    return 0;
}
