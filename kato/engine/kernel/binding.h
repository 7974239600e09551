/* What the files that speak to Python share. They alone know Python; all else is plain C. */

#ifndef KATO_BINDING_H
#define KATO_BINDING_H

#ifndef Py_LIMITED_API
#define Py_LIMITED_API 0x030B0000
#endif
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "ranking.h"

struct module_state {
    PyTypeObject *ranking_type;
    PyObject *encode; /* a str as JSON: what the standard library's encoder uses */
};

extern PyType_Spec kato_memory_spec, kato_ranking_spec;

/* The symbols of a memory by code. Lists are only appended to, or exchanged for others as a whole, so
   whoever holds one can go on reading it. */
struct symbols {
    PyObject *texts;    /* list of str */
    PyObject *literals; /* list: the same as JSON in bytes, None until one is sent */
};

/* A ranking as Python sees it; takes over `ranking`. `state` is a tuple of str. */
PyObject *kato_ranking_object(struct module_state *module, struct kato_ranking *ranking,
                              struct symbols symbols, PyObject *state);

/* The events that `words` are, as tuples or lists of str. */
PyObject *kato_events(const uint32_t *words, size_t count, PyObject *texts, bool as_lists);

/* A name as str. */
PyObject *kato_name_object(const unsigned char *packed, size_t size);

PyObject *kato_wide_object(kato_wide value);

#endif
