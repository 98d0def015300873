"""SQL on DuckDB, by the library that lakeseg-local has, too. All values come
back as text, NULL as None."""

import ctypes
import os

LIBRARY = os.path.join(os.environ["LAKESEG_SOURCE"], ".deps", "duckdb",
                       "libduckdb.so")


class Answer(ctypes.Structure):
    """duckdb_result: what is in it is DuckDB's business."""

    _fields_ = [("hidden", ctypes.c_uint64 * 16)]


class Duck:
    def __init__(self):
        self.lib = ctypes.CDLL(LIBRARY)
        for name, kind in (("duckdb_value_varchar", ctypes.c_void_p),
                           ("duckdb_result_error", ctypes.c_char_p),
                           ("duckdb_column_name", ctypes.c_char_p),
                           ("duckdb_column_count", ctypes.c_uint64),
                           ("duckdb_row_count", ctypes.c_uint64)):
            getattr(self.lib, name).restype = kind
        self.lib.duckdb_value_varchar.argtypes = [
            ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint64]
        self.lib.duckdb_free.argtypes = [ctypes.c_void_p]
        self.base, self.link = ctypes.c_void_p(), ctypes.c_void_p()
        if self.lib.duckdb_open(None, ctypes.byref(self.base)) or \
                self.lib.duckdb_connect(self.base, ctypes.byref(self.link)):
            raise RuntimeError("DuckDB does not open")

    def close(self):
        self.lib.duckdb_disconnect(ctypes.byref(self.link))
        self.lib.duckdb_close(ctypes.byref(self.base))

    def value(self, answer, column, row):
        text = self.lib.duckdb_value_varchar(ctypes.byref(answer), column, row)
        if text is None:
            return None
        value = ctypes.string_at(text).decode()
        self.lib.duckdb_free(text)
        return value

    def __call__(self, sql):
        """Rows as dictionaries."""
        answer = Answer()
        failed = self.lib.duckdb_query(self.link, sql.encode(),
                                       ctypes.byref(answer))
        try:
            if failed:
                raise ValueError(self.lib.duckdb_result_error(
                    ctypes.byref(answer)).decode())
            names = [self.lib.duckdb_column_name(ctypes.byref(answer),
                                                 i).decode()
                     for i in range(self.lib.duckdb_column_count(
                         ctypes.byref(answer)))]
            return [{name: self.value(answer, i, row)
                     for i, name in enumerate(names)}
                    for row in range(self.lib.duckdb_row_count(
                        ctypes.byref(answer)))]
        finally:
            self.lib.duckdb_destroy_result(ctypes.byref(answer))
