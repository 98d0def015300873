#include "pipeline/target/own_mapping.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/file.h"

#define FILE_BYTES_MAX ((size_t)1 << 20)
#define RULES_MAX 1000

void pl_own_mapping_release(struct pl_own_mapping *m)
{
    free(m->rules);
    json_decref(m->document);
    memset(m, 0, sizeof(*m));
}

static int read_file(struct pl_own_mapping *m, const char *path,
                     struct pl_err *err)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(FILE_BYTES_MAX);
    json_error_t why;

    if (pl_file_read(path, &text, err) != 0)
        return pl_context(err, "import.mapping");
    m->document =
        json_loadb(pl_buf_str(&text), text.len, JSON_REJECT_DUPLICATES, &why);
    if (m->document == NULL)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "import.mapping: '%s', line %d, column %d: %s", path,
                       why.line, why.column, why.text);
    return 0;
}

/* The place of a word in words; missing: the first. */
static int choose(json_t *rule, const char *name, const char *const words[],
                  size_t number, unsigned *chosen, struct pl_err *err)
{
    json_t *value = json_object_get(rule, name);
    const char *text = json_string_value(value);

    *chosen = 0;
    if (value == NULL)
        return 0;
    for (; text != NULL && words[*chosen] != NULL; (*chosen)++)
        if (strcmp(words[*chosen], text) == 0)
            return 0;
    return pl_fail(err, PL_CONFIG_INVALID,
                   "import.mapping, rule %zu: '%s' is not one of its words "
                   "(docs/customer-profiles.md)",
                   number, name);
}

static int take_rule(json_t *from, size_t number, struct pl_mapping_rule *rule,
                     struct pl_err *err)
{
    static const char *const channels[] = {"any", "phone", "email", NULL};
    static const char *const uses[] = {"one", "rest", "sole", "many", NULL};
    static const char *const contents[] = {
        "STRING", "NUMBER", "PHONE_NUMBER", "EMAIL_ADDRESS", "NAME", NULL};
    unsigned channel;
    unsigned use;
    unsigned content;

    rule->column = json_string_value(json_object_get(from, "column"));
    rule->field = json_string_value(json_object_get(from, "field"));
    if (rule->column == NULL || rule->field == NULL ||
        rule->column[0] == '\0' || rule->field[0] == '\0' ||
        strlen(rule->field) > PL_PROFILE_NAME_MAX)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "import.mapping, rule %zu: 'column' and 'field' are "
                       "needed, both strings",
                       number);
    if (strchr(rule->field, '*') != NULL &&
        rule->column[strlen(rule->column) - 1] != '.')
        return pl_fail(err, PL_CONFIG_INVALID,
                       "import.mapping, rule %zu: '*' is the rest of a name, "
                       "and its 'column' has none: it must end with a dot",
                       number);
    if (choose(from, "channel", channels, number, &channel, err) != 0 ||
        choose(from, "use", uses, number, &use, err) != 0 ||
        choose(from, "content", contents, number, &content, err) != 0)
        return -1;
    rule->channel = (enum pl_mapping_channel)channel;
    rule->use = (enum pl_mapping_use)use;
    rule->content = (enum pl_content)content;
    return 0;
}

int pl_own_mapping_choose(struct pl_own_mapping *m, json_t *value,
                          struct pl_target *target, struct pl_err *err)
{
    json_t *list;

    if (value == NULL || !target->is_profiles)
        return 0;
    if (!json_is_string(value))
        m->document = json_incref(value);
    else if (read_file(m, json_string_value(value), err) != 0)
        return -1;
    list = json_object_get(m->document, "rules");
    if (json_array_size(list) == 0 || json_array_size(list) > RULES_MAX)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "import.mapping: an object whose 'rules' is a list of "
                       "1 to %d rules",
                       RULES_MAX);
    m->rules = calloc(json_array_size(list), sizeof(*m->rules));
    if (m->rules == NULL)
        return pl_fail_memory(err);
    for (size_t i = 0; i < json_array_size(list); i++)
        if (take_rule(json_array_get(list, i), i + 1, &m->rules[i], err) != 0)
            return -1;
    m->mapping = (struct pl_mapping){m->rules, json_array_size(list)};
    target->mapping = &m->mapping;
    return 0;
}
