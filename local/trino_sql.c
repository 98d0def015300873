#include "local/trino_sql.h"

#include <string.h>

#include "local/sql_tokens.h"

#define DEPTH_MAX 64
#define EFFORT 64U /* times the length of the text */
#define ARGS_MAX 4
#define PARAMS_MAX 2

/* A lambda over two values, as one over what e_ holds. */
#define PAIR(n, first, second) \
    "list_transform([" first "], $" n "a -> list_transform([" second "], $" n \
    "b -> $" n "c)[1])[1]"

/* $1 is the first argument; $2a, $2b and $2c are the parameters and the body
 * of a lambda that is the second. */
static const struct form {
    const char *name;
    size_t args;
    const char *text;
} forms[] = {
    {"array", 1, "$1[]"}, /* of a type: values stand in brackets */
    {"transform", 2, "list_transform($1, $2)"},
    {"filter", 2, "list_filter($1, $2)"},
    {"reduce", 4, "(list_transform([list_reduce($1, $3, $2)], $4)[1])"},
    {"any_match", 2, "coalesce(list_bool_or(list_transform($1, $2)), false)"},
    {"all_match", 2, "coalesce(list_bool_and(list_transform($1, $2)), true)"},
    {"none_match", 2,
     "(NOT coalesce(list_bool_or(list_transform($1, $2)), false))"},
    {"zip_with", 3,
     "list_transform(list_zip($1, $2), e_ -> " PAIR("3", "e_[1]", "e_[2]") ")"},
    {"map_filter", 2,
     "map_from_entries(list_filter(map_entries($1), e_ -> " PAIR(
         "2", "e_.key", "e_.value") "))"},
    {"transform_values", 2,
     "map_from_entries(list_transform(map_entries($1), e_ -> {'k': e_.key, "
     "'v': " PAIR("2", "e_.key", "e_.value") "}))"},
    {"transform_keys", 2,
     "map_from_entries(list_transform(map_entries($1), e_ -> {'k': " PAIR(
         "2", "e_.key", "e_.value") ", 'v': e_.value}))"},
};

struct span {
    const char *at;
    size_t len;
};

/* The arguments between the brackets of a call. */
struct args {
    struct span items[ARGS_MAX];
    size_t count; /* more than ARGS_MAX: too many to be ours */
};

static struct args split(const struct local_token *open,
                         const struct local_token *close)
{
    struct local_token t = local_token_after(open);
    const char *start = open->at + 1;
    struct args a = {.count = 0};

    if (t.at == close->at)
        return a;
    for (;;) {
        if (t.at >= close->at || local_token_is(&t, ",")) {
            if (a.count < ARGS_MAX)
                a.items[a.count] = (struct span){start, (size_t)(t.at - start)};
            a.count++;
            if (t.at >= close->at)
                return a;
            start = t.at + 1;
        } else if (local_token_is(&t, "(") || local_token_is(&t, "[")) {
            const struct local_token end = local_token_close(&t);

            if (end.kind != LOCAL_TOKEN_END)
                t = end;
        }
        t = local_token_after(&t);
    }
}

/* x -> body, (x, y) -> body */
struct lambda {
    struct span params[PARAMS_MAX];
    struct span body;
};

static bool read_lambda(const struct span *arg, struct lambda *out)
{
    const char *end = arg->at + arg->len;
    struct local_token t = local_token_at(arg->at);
    size_t count = 0;

    if (local_token_is(&t, "("))
        t = local_token_after(&t);
    while (t.kind == LOCAL_TOKEN_WORD && count < PARAMS_MAX) {
        out->params[count++] = (struct span){t.at, t.len};
        t = local_token_after(&t);
        if (local_token_is(&t, ",") || local_token_is(&t, ")"))
            t = local_token_after(&t);
    }
    if (!local_token_is(&t, "->") || count != PARAMS_MAX || t.at >= end)
        return false;
    out->body = (struct span){t.at + 2, (size_t)(end - t.at - 2)};
    return true;
}

/* Hostile texts could make every call be looked through again and again. */
struct effort {
    unsigned depth;
    size_t left; /* bytes to look through for a closing bracket */
};

static int rewrite(struct span sql, struct effort *effort, struct pl_buf *out,
                   struct pl_err *err);

static int add_piece(const struct args *a, const char *place,
                     struct effort *effort, struct pl_buf *out,
                     struct pl_err *err)
{
    const struct span *arg = &a->items[place[0] - '1'];
    struct lambda l;

    if (place[1] != 'a' && place[1] != 'b' && place[1] != 'c')
        return rewrite(*arg, effort, out, err);
    if (!read_lambda(arg, &l)) /* the caller has made sure */
        return pl_fail(err, PL_INTERNAL_ERROR, "a lambda without parameters");
    if (place[1] == 'c')
        return rewrite(l.body, effort, out, err);
    return pl_buf_add(out, l.params[place[1] - 'a'].at,
                      l.params[place[1] - 'a'].len, err);
}

static int write_form(const struct form *f, const struct args *a,
                      struct effort *effort, struct pl_buf *out,
                      struct pl_err *err)
{
    for (const char *p = f->text; *p != '\0'; p++) {
        if (*p != '$') {
            if (pl_buf_addc(out, *p, err) != 0)
                return -1;
            continue;
        }
        if (add_piece(a, ++p, effort, out, err) != 0)
            return -1;
        p += p[1] == 'a' || p[1] == 'b' || p[1] == 'c';
    }
    return 0;
}

/* Whether the lambda that a form takes apart can be taken apart. */
static bool has_lambda(const struct form *f, const struct args *a)
{
    const char *place = strstr(f->text, "c)[1])[1]");
    struct lambda l;

    return place == NULL || read_lambda(&a->items[place[-1] - '1'], &l);
}

static const struct form *form_of(const struct local_token *name,
                                  const struct args *a)
{
    for (size_t i = 0; i < PL_COUNT(forms); i++)
        if (forms[i].args == a->count && local_token_is(name, forms[i].name) &&
            has_lambda(&forms[i], a))
            return &forms[i];
    return NULL;
}

static bool is_known(const struct local_token *name)
{
    for (size_t i = 0; i < PL_COUNT(forms); i++)
        if (local_token_is(name, forms[i].name))
            return true;
    return false;
}

/* A call of ours at name, which stands in sql: writes it and moves *next behind
 * it. 1: it is none. */
static int write_call(const struct local_token *name, struct span sql,
                      struct effort *effort, const char **next,
                      struct pl_buf *out, struct pl_err *err)
{
    const struct local_token open = local_token_after(name);
    struct local_token close;
    const struct form *form;
    struct args a;
    int rc;

    if (effort->depth >= DEPTH_MAX || !is_known(name) ||
        !local_token_is(&open, "(") || effort->left < strlen(open.at))
        return 1;
    close = local_token_close(&open);
    effort->left -= (size_t)(close.at - open.at);
    if (close.kind == LOCAL_TOKEN_END || close.at >= sql.at + sql.len)
        return 1;
    a = split(&open, &close);
    form = form_of(name, &a);
    if (form == NULL)
        return 1;
    *next = close.at + 1;
    effort->depth++;
    rc = write_form(form, &a, effort, out, err);
    effort->depth--;
    return rc;
}

/* X'6162' */
static int write_binary(const struct local_token *x, const char **next,
                        struct pl_buf *out, struct pl_err *err)
{
    const struct local_token text = local_token_after(x);

    if (!local_token_is(x, "x") || text.kind != LOCAL_TOKEN_STRING ||
        text.at != x->at + x->len)
        return 1;
    *next = text.at + text.len;
    if (pl_buf_adds(out, "from_hex(", err) != 0 ||
        pl_buf_add(out, text.at, text.len, err) != 0)
        return -1;
    return pl_buf_addc(out, ')', err);
}

static int rewrite(struct span sql, struct effort *effort, struct pl_buf *out,
                   struct pl_err *err)
{
    const char *end = sql.at + sql.len;
    const char *done = sql.at;
    struct local_token t = local_token_at(sql.at);

    while (t.kind != LOCAL_TOKEN_END && t.at < end) {
        const size_t before = out->len;
        const char *next = NULL;
        int rc = 1;

        if (t.kind == LOCAL_TOKEN_WORD) {
            if (pl_buf_add(out, done, (size_t)(t.at - done), err) != 0)
                return -1;
            rc = write_binary(&t, &next, out, err);
            if (rc == 1)
                rc = write_call(&t, sql, effort, &next, out, err);
        }
        if (rc < 0)
            return -1;
        if (rc == 1) {
            out->len = t.kind == LOCAL_TOKEN_WORD ? before : out->len;
            t = local_token_after(&t);
            continue;
        }
        done = next;
        t = local_token_at(next);
    }
    return pl_buf_add(out, done, (size_t)(end - done), err);
}

int local_trino_rewrite(const char *sql, struct pl_buf *out, struct pl_err *err)
{
    const struct span all = {sql, strlen(sql)};
    struct effort effort = {0, EFFORT * all.len};

    return rewrite(all, &effort, out, err);
}
