#include "pipeline/manifest/segment.h"

#include <string.h>

#include "pipeline/base/text.h"

/* "Attributes_" and the tag are the header of a column, which has at most 64
 * characters (sources 9.1). */
#define TAG_MAX (64 - (sizeof("Attributes_") - 1))

static bool is_name(const char *text)
{
    const size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz"
                                    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

    return len >= 1 && len <= 64 && text[len] == '\0';
}

static int take_text(const struct pl_manifest *m, const char *path,
                     char to[256], struct pl_err *err)
{
    const char *text = pl_manifest_str(m, path);

    if (text == NULL)
        return 0;
    if (*text == '\0' || strlen(text) > 255)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "'%s' must have 1 to 255 characters", path);
    (void)snprintf(to, 256, "%s", text);
    return 0;
}

/* A dot would name a level of its own in the profile. */
static int check_tag(const char *tag, struct pl_err *err)
{
    const size_t len = strlen(tag);

    if (pl_utf8_count(tag, len) <= TAG_MAX && strchr(tag, '.') == NULL)
        return 0;
    return pl_fail(err, PL_CONFIG_INVALID,
                   "the attribute '%.80s' of the segment has a dot, or more "
                   "than %zu characters; 'import.segment.tag' names another",
                   tag, TAG_MAX);
}

static int take_previous(const struct pl_manifest *m,
                         struct pl_segment *segment, struct pl_err *err)
{
    const char *word = pl_manifest_str(m, "import.segment.previous");

    segment->is_overwrite = word != NULL && strcmp(word, "overwrite") == 0;
    if (word == NULL || segment->is_overwrite || strcmp(word, "expire") == 0)
        return 0;
    return pl_fail(err, PL_CONFIG_INVALID,
                   "'import.segment.previous' is expire or overwrite");
}

/* The attribute alone, for a segment that somebody else makes. */
static int without_name(const struct pl_manifest *m, struct pl_segment *segment,
                        struct pl_err *err)
{
    if (pl_manifest_get(m, "import.segment") == NULL)
        return 0;
    if (take_text(m, "import.segment.tag", segment->tag, err) != 0 ||
        take_text(m, "import.segment.value", segment->value, err) != 0)
        return -1;
    if (segment->tag[0] != '\0' && segment->value[0] != '\0')
        return check_tag(segment->tag, err);
    return pl_fail(err, PL_CONFIG_INVALID,
                   "import.segment: 'name' is missing, or 'tag' and 'value', "
                   "which go together");
}

int pl_manifest_segment(const struct pl_manifest *m, const char *name,
                        struct pl_segment *segment, struct pl_err *err)
{
    const char *run = pl_manifest_str(m, "run.id");

    memset(segment, 0, sizeof(*segment));
    if (name == NULL || *name == '\0')
        name = pl_manifest_str(m, "import.segment.name");
    if (name == NULL)
        return without_name(m, segment, err);
    if (!is_name(name))
        return pl_fail(err, PL_CONFIG_INVALID,
                       "segment name '%.80s' must have 1 to 64 letters, "
                       "digits, '_' and '-'",
                       name);
    (void)snprintf(segment->name, sizeof(segment->name), "%s", name);
    (void)snprintf(segment->tag, sizeof(segment->tag), "segment_%s", name);
    if (take_previous(m, segment, err) != 0)
        return -1;
    (void)snprintf(segment->value, sizeof(segment->value), "%.255s",
                   segment->is_overwrite && run != NULL ? run : "1");
    if (take_text(m, "import.segment.tag", segment->tag, err) != 0 ||
        check_tag(segment->tag, err) != 0)
        return -1;
    return take_text(m, "import.segment.value", segment->value, err);
}
