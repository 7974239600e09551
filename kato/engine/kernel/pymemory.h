/* A memory as Python sees it, and what its methods share.

   Nobody waits for a lock while holding the interpreter's: whoever holds a memory's lock may be
   waiting for that. */

#ifndef KATO_PYMEMORY_H
#define KATO_PYMEMORY_H

#include "binding.h"

struct memory_object {
    PyObject_HEAD
    struct kato_memory *memory;
    PyObject *codes; /* dict: the code of each symbol */
    struct symbols symbols;
    size_t text_bytes; /* what the symbols themselves use */
};

static inline struct memory_object *as_memory(PyObject *object)
{
    return (struct memory_object *)object;
}

/* Take a memory's lock. */
static inline void kato_wait_read(struct kato_memory *memory)
{
    if (!kato_lock_try_read(&memory->lock)) {
        Py_BEGIN_ALLOW_THREADS
        kato_lock_read(&memory->lock);
        Py_END_ALLOW_THREADS
    }
}

static inline void kato_wait_write(struct kato_memory *memory)
{
    if (!kato_lock_try_write(&memory->lock)) {
        Py_BEGIN_ALLOW_THREADS
        kato_lock_write(&memory->lock);
        Py_END_ALLOW_THREADS
    }
}

/* The code of a symbol, KATO_NONE if it has none; -1: Python has an error set. */
static inline int kato_known_code(struct memory_object *self, PyObject *text, uint32_t *code)
{
    PyObject *known = PyDict_GetItemWithError(self->codes, text);
    *code = known ? (uint32_t)PyLong_AsUnsignedLong(known) : KATO_NONE;
    return PyErr_Occurred() ? -1 : 0;
}

/* A name of a model in C's terms, to be freed. */
struct name {
    unsigned char *packed;
    size_t size;
};

/* False: Python has an error set. */
bool kato_packed_name(PyObject *text, struct name *name);

/* The methods that ask a state. */
PyObject *kato_best(PyObject *object, PyObject *args);
PyObject *kato_count(PyObject *object, PyObject *args);
PyObject *kato_forecast(PyObject *object, PyObject *args);
PyObject *kato_stand(PyObject *object, PyObject *args);

/* What symbols weigh. */
PyObject *kato_weigh(PyObject *object, PyObject *symbols);

#endif
