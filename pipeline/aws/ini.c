#include "pipeline/aws/ini.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/digest.h"
#include "pipeline/base/file.h"
#include "pipeline/base/text.h"

#define FILE_BYTES_MAX ((size_t)1 << 20)

/* A line without its end, blanks and comment; moves *at behind it. */
struct line {
    const char *text;
    size_t len;
    bool is_indented;
};

static struct line next_line(const char **at, const char *end)
{
    const char *lf = memchr(*at, '\n', (size_t)(end - *at));
    const char *stop = lf != NULL ? lf : end;
    struct line line = {*at, (size_t)(stop - *at), false};

    *at = lf != NULL ? lf + 1 : end;
    line.is_indented =
        line.len > 0 && (line.text[0] == ' ' || line.text[0] == '\t');
    while (line.len > 0 && (unsigned char)line.text[0] <= ' ') {
        line.text++;
        line.len--;
    }
    if (line.len > 0 && (line.text[0] == '#' || line.text[0] == ';'))
        line.len = 0;
    for (size_t i = 1; i < line.len; i++) /* an inline comment */
        if ((line.text[i] == '#' || line.text[i] == ';') &&
            (unsigned char)line.text[i - 1] <= ' ')
            line.len = i;
    while (line.len > 0 && (unsigned char)line.text[line.len - 1] <= ' ')
        line.len--;
    return line;
}

/* "[ name ]" is section name. */
static bool is_section(const struct line *line, const char *name)
{
    const char *p = line->text + 1;
    size_t len = line->len - 2;

    while (len > 0 && (unsigned char)*p <= ' ') {
        p++;
        len--;
    }
    while (len > 0 && (unsigned char)p[len - 1] <= ' ')
        len--;
    return len == strlen(name) && memcmp(p, name, len) == 0;
}

static bool take_value(const struct line *line, const char *key, char *out,
                       size_t cap)
{
    const char *equals = memchr(line->text, '=', line->len);
    const char *end = line->text + line->len;
    size_t name = equals != NULL ? (size_t)(equals - line->text) : 0;

    while (name > 0 && (unsigned char)line->text[name - 1] <= ' ')
        name--;
    if (name == 0 || !pl_ieqn(line->text, name, key, strlen(key)))
        return false;
    for (equals++; equals < end && (unsigned char)*equals <= ' ';)
        equals++;
    (void)snprintf(out, cap, "%.*s", (int)(end - equals), equals);
    return true;
}

static bool search(const char *text, size_t len, const char *section,
                   const char *key, char *out, size_t cap)
{
    const char *at = text;
    const char *end = text + len;
    bool is_inside = false;
    bool is_found = false;

    while (at < end) {
        const struct line line = next_line(&at, end);

        if (line.len >= 2 && line.text[0] == '[' &&
            line.text[line.len - 1] == ']') {
            is_inside = is_section(&line, section);
            if (is_inside && key == NULL)
                return true;
        } else if (is_inside && key != NULL && line.len > 0 &&
                   !line.is_indented) {
            is_found = take_value(&line, key, out, cap) || is_found;
        }
    }
    return is_found;
}

bool pl_ini_find(const char *text, size_t len, const char *section,
                 const char *key, char *out, size_t cap)
{
    return search(text, len, section, key, out, cap);
}

bool pl_ini_has(const char *text, size_t len, const char *section)
{
    return search(text, len, section, NULL, NULL, 0);
}

/* Reads one of the two files; a missing one is empty. */
static int read_file(const char *env, const char *name, struct pl_buf *text,
                     struct pl_err *err)
{
    const char *path = getenv(env);
    const char *home = getenv("HOME");
    char built[4096];

    if (path == NULL || *path == '\0') {
        if (home == NULL || *home == '\0')
            return 0;
        (void)snprintf(built, sizeof(built), "%s/.aws/%s", home, name);
        path = built;
    }
    if (access(path, F_OK) != 0)
        return 0;
    if (pl_file_read(path, text, err) != 0) {
        err->code = PL_CONFIG_INVALID;
        return -1;
    }
    return 0;
}

struct files {
    struct pl_buf credentials;
    struct pl_buf config;
    char config_section[160];
};

static void files_release(struct files *f)
{
    if (f->credentials.data != NULL)
        pl_wipe(f->credentials.data, f->credentials.cap);
    if (f->config.data != NULL)
        pl_wipe(f->config.data, f->config.cap);
    pl_buf_release(&f->credentials);
    pl_buf_release(&f->config);
}

static int files_open(struct files *f, const char *profile, struct pl_err *err)
{
    f->credentials.max_bytes = FILE_BYTES_MAX;
    f->config.max_bytes = FILE_BYTES_MAX;
    (void)snprintf(f->config_section, sizeof(f->config_section), "%s%s",
                   strcmp(profile, "default") == 0 ? "" : "profile ", profile);
    if (read_file("AWS_SHARED_CREDENTIALS_FILE", "credentials", &f->credentials,
                  err) != 0)
        return -1;
    return read_file("AWS_CONFIG_FILE", "config", &f->config, err);
}

int pl_profile_setting(const char *profile, const char *key, char *out,
                       size_t cap, struct pl_err *err)
{
    PL_AUTO(files) f = {.config_section = ""};

    out[0] = '\0';
    if (files_open(&f, profile, err) != 0)
        return -1;
    if (!pl_ini_find(pl_buf_str(&f.credentials), f.credentials.len, profile,
                     key, out, cap))
        (void)pl_ini_find(pl_buf_str(&f.config), f.config.len, f.config_section,
                          key, out, cap);
    return 0;
}

int pl_profile_exists(const char *profile, bool *exists, struct pl_err *err)
{
    PL_AUTO(files) f = {.config_section = ""};

    if (files_open(&f, profile, err) != 0)
        return -1;
    *exists =
        pl_ini_has(pl_buf_str(&f.credentials), f.credentials.len, profile) ||
        pl_ini_has(pl_buf_str(&f.config), f.config.len, f.config_section);
    return 0;
}
