/*
 * mapping.h - how the columns of a query become a profile of Customer
 * Profiles: one table, limits, and the place of each value.
 *
 * The table is AWS's published mapping (sources 9.10) made deterministic:
 * values are taken in a stable order, so that the same result always fills
 * the same fields. The judge of SQL, the transformer and the importer all
 * read it here. Pure; allocates nothing.
 */
#ifndef PL_TARGET_MAPPING_H
#define PL_TARGET_MAPPING_H

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/err.h"
#include "pipeline/target/target.h"

#define PL_PROFILE_COLUMNS_MAX 25 /* mapped columns of an upload (9.1) */
#define PL_PROFILE_VALUE_MAX 255  /* characters of a value; at least 1 (9.8) */
#define PL_PROFILE_HEADER_MAX 64  /* of A-Z a-z 0-9 _ - (9.1; no dot: 9.4) */
#define PL_PROFILE_NAME_MAX 255   /* characters of an attribute's name (9.8) */
#define PL_PROFILE_FILE_MAX \
    1000000000 /* bytes of an upload: "under 1 GB" (9.4) */
#define PL_PROFILE_OBJECT_MAX 256000 /* characters of PutProfileObject (9.7) */

/* ContentType of the service's ObjectTypeField (9.1). */
enum pl_content {
    PL_CONTENT_STRING,
    PL_CONTENT_NUMBER,
    PL_CONTENT_PHONE, /* compared without formatting */
    PL_CONTENT_EMAIL, /* compared without case */
    PL_CONTENT_NAME   /* compared without case */
};

/* "STRING", "PHONE_NUMBER", ... as the service spells it. */
const char *pl_content_name(enum pl_content content);

/* Which rows a rule of the column Address is for, by their ChannelType. */
enum pl_mapping_channel {
    PL_MAPPING_ANY,   /* no rule of Address */
    PL_MAPPING_PHONE, /* SMS, VOICE */
    PL_MAPPING_EMAIL, /* EMAIL */
    PL_MAPPING_NONE   /* push and the rest: a profile has no place for them */
};

/* The channel of a row; channel_type as in the result, in any case. */
enum pl_mapping_channel pl_mapping_channel_of(const char *channel_type,
                                              size_t len);

/* Which of a column's values a rule takes. */
enum pl_mapping_use {
    PL_MAPPING_ONE,  /* one: the first rule the first, the second the second */
    PL_MAPPING_REST, /* what the rules before left over; # counts all, from 1 */
    PL_MAPPING_SOLE, /* the value of a column that has one alone */
    PL_MAPPING_MANY  /* each value of one that has several; # counts from 0 */
};

/*
 * Rules of one column stand together and in the order of filling. In field,
 * '*' is the name behind the column's prefix and '#' the number of the value.
 */
struct pl_mapping_rule {
    const char *column; /* of the query; with '.' at its end: and any name */
    enum pl_mapping_channel channel;
    enum pl_mapping_use use;
    const char *field; /* below _profile: "Address.City", "Attributes.*" */
    enum pl_content content;
};

struct pl_mapping {
    const struct pl_mapping_rule *rules;
    size_t count;
};

/* The default, which a job's import.mapping may replace. */
const struct pl_mapping *pl_mapping_default(void);

/* Where a value goes. */
struct pl_place {
    bool is_dropped; /* a profile has no place for it; the rest is unset */
    enum pl_content content;
    char header[PL_PROFILE_HEADER_MAX + 1];  /* of the CSV, and key in Fields:
                         field with '_' for whatever may not stand there */
    char source[PL_PROFILE_HEADER_MAX + 16]; /* "_source.Address_City" */
    char target[PL_PROFILE_NAME_MAX + 48];   /* "_profile.Address.City" */
};

/*
 * The place of value number index (from 0) of the count values that a profile
 * has for a column; channel matters for Address only. The job's key (target)
 * takes its own field before any rule does: what would have gone there takes
 * the next place.
 *
 * mapping NULL: the default. Fails with PL_DATA_INVALID for a name that makes
 * a header too long.
 */
int pl_mapping_place(const struct pl_mapping *mapping,
                     const struct pl_target *target,
                     const struct pl_column *column,
                     enum pl_mapping_channel channel, size_t index,
                     size_t count, struct pl_place *place,
                     struct pl_err *err) PL_MUST_CHECK;

/* Whether any rule, or the key, has a place for the column's values. */
bool pl_mapping_has_place(const struct pl_mapping *mapping,
                          const struct pl_target *target,
                          const struct pl_column *column);

/*
 * Whether the columns of a header fit into one upload: at most 25 places, no
 * two columns in the same one. Address counts as one: how many of its places
 * are filled only the rows can tell. PL_DATA_INVALID names what does not fit.
 */
int pl_mapping_check(const struct pl_mapping *mapping,
                     const struct pl_target *target,
                     const struct pl_column *columns, size_t count,
                     struct pl_err *err) PL_MUST_CHECK;

/* A field that can identify a profile. */
struct pl_key_field {
    const char *field;      /* import.key.field: "AccountNumber" */
    const char *search;     /* the index to look it up by: "_account" (9.8) */
    const char *identifier; /* StandardIdentifier of an object type's key */
    enum pl_content content;
    enum pl_mapping_channel channel; /* whose Address can be one */
};

/* NULL: no such field. */
const struct pl_key_field *pl_key_field_by_name(const char *field);

#endif
