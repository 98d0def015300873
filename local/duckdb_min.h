/*
 * duckdb_min.h - the part of DuckDB's C API that is used here, declared by
 * hand: the library comes without a header.
 */
#ifndef LOCAL_DUCKDB_MIN_H
#define LOCAL_DUCKDB_MIN_H

#include <stdbool.h>
#include <stdint.h>

typedef uint64_t idx_t;
typedef struct _duckdb_database *duckdb_database;
typedef struct _duckdb_connection *duckdb_connection;
typedef struct _duckdb_prepared *duckdb_prepared_statement;
typedef struct _duckdb_extracted *duckdb_extracted_statements;
typedef struct _duckdb_config *duckdb_config;
typedef struct _duckdb_chunk *duckdb_data_chunk;
typedef struct _duckdb_vector *duckdb_vector;
typedef struct _duckdb_type *duckdb_logical_type;
typedef enum { DuckDBSuccess = 0, DuckDBError = 1 } duckdb_state;

typedef struct {
    idx_t unused_column_count;
    idx_t unused_row_count;
    idx_t unused_rows_changed;
    void *unused_columns;
    char *unused_error;
    void *internal;
} duckdb_result;

enum {
    DUCKDB_BOOLEAN = 1,
    DUCKDB_TINYINT = 2,
    DUCKDB_SMALLINT = 3,
    DUCKDB_INTEGER = 4,
    DUCKDB_BIGINT = 5,
    DUCKDB_UTINYINT = 6,
    DUCKDB_USMALLINT = 7,
    DUCKDB_UINTEGER = 8,
    DUCKDB_UBIGINT = 9,
    DUCKDB_FLOAT = 10,
    DUCKDB_DOUBLE = 11,
    DUCKDB_TIMESTAMP = 12,
    DUCKDB_DATE = 13,
    DUCKDB_TIME = 14,
    DUCKDB_INTERVAL = 15,
    DUCKDB_HUGEINT = 16,
    DUCKDB_VARCHAR = 17,
    DUCKDB_BLOB = 18,
    DUCKDB_DECIMAL = 19,
    DUCKDB_TIMESTAMP_S = 20,
    DUCKDB_TIMESTAMP_MS = 21,
    DUCKDB_TIMESTAMP_NS = 22,
    DUCKDB_ENUM = 23,
    DUCKDB_LIST = 24,
    DUCKDB_STRUCT = 25,
    DUCKDB_MAP = 26,
    DUCKDB_UUID = 27,
    DUCKDB_TIMESTAMP_TZ = 31,
    DUCKDB_UHUGEINT = 32,
    DUCKDB_ARRAY = 33,
    DUCKDB_SQLNULL = 36
};

enum { DUCKDB_STATEMENT_SELECT = 1 };

typedef struct {
    uint64_t offset;
    uint64_t length;
} duckdb_list_entry;

typedef struct {
    uint64_t lower;
    int64_t upper;
} duckdb_hugeint;

typedef struct {
    int32_t months;
    int32_t days;
    int64_t micros;
} duckdb_interval;

/* Up to 12 bytes stand in place, longer ones behind the pointer. */
typedef struct {
    union {
        struct {
            uint32_t length;
            char prefix[4];
            char *ptr;
        } pointer;
        struct {
            uint32_t length;
            char inlined[12];
        } inlined;
    } value;
} duckdb_string_t;

duckdb_state duckdb_open(const char *path, duckdb_database *out);
void duckdb_close(duckdb_database *db);
duckdb_state duckdb_connect(duckdb_database db, duckdb_connection *out);
void duckdb_disconnect(duckdb_connection *con);
void duckdb_interrupt(duckdb_connection con);
const char *duckdb_library_version(void);
void duckdb_free(void *p);

duckdb_state duckdb_query(duckdb_connection con, const char *sql,
                          duckdb_result *out);
void duckdb_destroy_result(duckdb_result *r);
const char *duckdb_result_error(duckdb_result *r);
idx_t duckdb_column_count(duckdb_result *r);
const char *duckdb_column_name(duckdb_result *r, idx_t col);
duckdb_logical_type duckdb_column_logical_type(duckdb_result *r, idx_t col);

idx_t duckdb_extract_statements(duckdb_connection con, const char *sql,
                                duckdb_extracted_statements *out);
const char *duckdb_extract_statements_error(duckdb_extracted_statements e);
duckdb_state duckdb_prepare_extracted_statement(duckdb_connection con,
                                                duckdb_extracted_statements e,
                                                idx_t at,
                                                duckdb_prepared_statement *out);
void duckdb_destroy_extracted(duckdb_extracted_statements *e);
const char *duckdb_prepare_error(duckdb_prepared_statement s);
int duckdb_prepared_statement_type(duckdb_prepared_statement s);
idx_t duckdb_nparams(duckdb_prepared_statement s);
duckdb_state duckdb_execute_prepared(duckdb_prepared_statement s,
                                     duckdb_result *out);
duckdb_state duckdb_execute_prepared_streaming(duckdb_prepared_statement s,
                                               duckdb_result *out);
void duckdb_destroy_prepare(duckdb_prepared_statement *s);

duckdb_data_chunk duckdb_fetch_chunk(duckdb_result r);
idx_t duckdb_data_chunk_get_size(duckdb_data_chunk c);
duckdb_vector duckdb_data_chunk_get_vector(duckdb_data_chunk c, idx_t col);
void duckdb_destroy_data_chunk(duckdb_data_chunk *c);
void *duckdb_vector_get_data(duckdb_vector v);
uint64_t *duckdb_vector_get_validity(duckdb_vector v);
duckdb_vector duckdb_list_vector_get_child(duckdb_vector v);
duckdb_vector duckdb_struct_vector_get_child(duckdb_vector v, idx_t i);
duckdb_vector duckdb_array_vector_get_child(duckdb_vector v);

int duckdb_get_type_id(duckdb_logical_type t);
void duckdb_destroy_logical_type(duckdb_logical_type *t);
uint8_t duckdb_decimal_scale(duckdb_logical_type t);
uint8_t duckdb_decimal_width(duckdb_logical_type t);
int duckdb_decimal_internal_type(duckdb_logical_type t);
int duckdb_enum_internal_type(duckdb_logical_type t);
char *duckdb_enum_dictionary_value(duckdb_logical_type t, idx_t i);
duckdb_logical_type duckdb_list_type_child_type(duckdb_logical_type t);
duckdb_logical_type duckdb_map_type_key_type(duckdb_logical_type t);
duckdb_logical_type duckdb_map_type_value_type(duckdb_logical_type t);
duckdb_logical_type duckdb_array_type_child_type(duckdb_logical_type t);
idx_t duckdb_array_type_array_size(duckdb_logical_type t);
idx_t duckdb_struct_type_child_count(duckdb_logical_type t);
char *duckdb_struct_type_child_name(duckdb_logical_type t, idx_t i);
duckdb_logical_type duckdb_struct_type_child_type(duckdb_logical_type t,
                                                  idx_t i);

typedef struct _duckdb_scalar_function *duckdb_scalar_function;
typedef struct _duckdb_scalar_function_set *duckdb_scalar_function_set;
typedef struct _duckdb_function_info *duckdb_function_info;

duckdb_logical_type duckdb_create_logical_type(int type);
duckdb_scalar_function duckdb_create_scalar_function(void);
void duckdb_destroy_scalar_function(duckdb_scalar_function *f);
void duckdb_scalar_function_set_name(duckdb_scalar_function f,
                                     const char *name);
void duckdb_scalar_function_add_parameter(duckdb_scalar_function f,
                                          duckdb_logical_type t);
void duckdb_scalar_function_set_return_type(duckdb_scalar_function f,
                                            duckdb_logical_type t);
void duckdb_scalar_function_set_extra_info(duckdb_scalar_function f,
                                           void *extra,
                                           void (*destroy)(void *));
void *duckdb_scalar_function_get_extra_info(duckdb_function_info info);
void duckdb_scalar_function_set_function(duckdb_scalar_function f,
                                         void (*run)(duckdb_function_info info,
                                                     duckdb_data_chunk input,
                                                     duckdb_vector output));
void duckdb_scalar_function_set_error(duckdb_function_info info,
                                      const char *error);
duckdb_scalar_function_set duckdb_create_scalar_function_set(const char *name);
void duckdb_destroy_scalar_function_set(duckdb_scalar_function_set *set);
duckdb_state duckdb_add_scalar_function_to_set(duckdb_scalar_function_set set,
                                               duckdb_scalar_function f);
duckdb_state duckdb_register_scalar_function_set(
    duckdb_connection con, duckdb_scalar_function_set set);
void duckdb_vector_assign_string_element_len(duckdb_vector v, idx_t at,
                                             const char *text, idx_t len);
void duckdb_vector_ensure_validity_writable(duckdb_vector v);
void duckdb_validity_set_row_invalid(uint64_t *validity, idx_t row);

#endif
