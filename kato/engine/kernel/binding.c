/* The module, and what both of its types need. */

#include "binding.h"

#include "alloc.h"
#include "names.h"

PyObject *kato_name_object(const unsigned char *packed, size_t size)
{
    char text[KATO_LONG_NAME];
    size_t length;
    const char *name = kato_name_text(packed, size, text, &length);
    return PyUnicode_DecodeUTF8(name, (Py_ssize_t)length, NULL);
}

PyObject *kato_wide_object(kato_wide value)
{
    if (value <= UINT64_MAX)
        return PyLong_FromUnsignedLongLong((unsigned long long)value);
    PyObject *high = kato_wide_object(value >> 64), *low = kato_wide_object((uint64_t)value);
    PyObject *bits = PyLong_FromLong(64), *shifted = NULL, *whole = NULL;
    if (high && low && bits)
        shifted = PyNumber_Lshift(high, bits);
    if (shifted)
        whole = PyNumber_Or(shifted, low);
    Py_XDECREF(high);
    Py_XDECREF(low);
    Py_XDECREF(bits);
    Py_XDECREF(shifted);
    return whole;
}

/* One event, from its first word. */
static PyObject *event(const uint32_t *words, size_t count, PyObject *texts, bool as_list)
{
    PyObject *symbols = as_list ? PyList_New((Py_ssize_t)count) : PyTuple_New((Py_ssize_t)count);
    for (size_t i = 0; i < count && symbols; i++) {
        PyObject *text = PyList_GetItem(texts, (Py_ssize_t)KATO_CODE(words[i]));
        Py_XINCREF(text);
        int set = -1;
        if (text)
            set = as_list ? PyList_SetItem(symbols, (Py_ssize_t)i, text)
                          : PyTuple_SetItem(symbols, (Py_ssize_t)i, text);
        if (set < 0)
            Py_CLEAR(symbols);
    }
    return symbols;
}

PyObject *kato_events(const uint32_t *words, size_t count, PyObject *texts, bool as_lists)
{
    size_t events = 0, number = 0;
    for (size_t i = 0; i < count; i++)
        events += (words[i] & KATO_FIRST) != 0;
    PyObject *all = as_lists ? PyList_New((Py_ssize_t)events) : PyTuple_New((Py_ssize_t)events);
    for (size_t i = 0, end; i < count && all; i = end) {
        for (end = i + 1; end < count && !(words[end] & KATO_FIRST); end++)
            ;
        PyObject *one = event(words + i, end - i, texts, as_lists);
        int set = -1;
        if (one)
            set = as_lists ? PyList_SetItem(all, (Py_ssize_t)number++, one)
                           : PyTuple_SetItem(all, (Py_ssize_t)number++, one);
        if (set < 0)
            Py_CLEAR(all);
    }
    return all;
}

#ifdef KATO_FAULTS
static PyObject *fail_allocation(PyObject *module, PyObject *number)
{
    (void)module;
    long n = PyLong_AsLong(number);
    if (PyErr_Occurred())
        return NULL;
    return PyLong_FromLong(kato_fail_allocation(n));
}

static PyObject *rounded(PyObject *module, PyObject *value)
{
    (void)module;
    double given = PyFloat_AsDouble(value);
    return PyErr_Occurred() ? NULL : PyFloat_FromDouble(kato_rounded(given));
}

static PyObject *total(PyObject *module, PyObject *terms)
{
    (void)module;
    struct kato_sum sum = {0};
    Py_ssize_t count = PyList_Size(terms);
    for (Py_ssize_t i = 0; i < count; i++)
        kato_sum_add(&sum, PyFloat_AsDouble(PyList_GetItem(terms, i)));
    return PyErr_Occurred() ? NULL : PyFloat_FromDouble(kato_sum_total(&sum));
}

/* ratio(a high, a low, b high, b low): each number in two halves of 64 bits. */
static PyObject *ratio(PyObject *module, PyObject *args)
{
    (void)module;
    unsigned long long a[2], b[2];
    if (!PyArg_ParseTuple(args, "KKKK", &a[0], &a[1], &b[0], &b[1]))
        return NULL;
    return PyFloat_FromDouble(
        kato_ratio((kato_wide)a[0] << 64 | a[1], (kato_wide)b[0] << 64 | b[1]));
}

static PyMethodDef functions[] = {
    {"fail_allocation", fail_allocation, METH_O, "Let the n-th allocation from now on fail, once."},
    {"rounded", rounded, METH_O, "kato_rounded."},
    {"total", total, METH_O, "kato_sum_total of a list."},
    {"ratio", ratio, METH_VARARGS, "kato_ratio."},
    {NULL, NULL, 0, NULL}};
#else
static PyMethodDef functions[] = {{NULL, NULL, 0, NULL}};
#endif

static PyTypeObject *add_type(PyObject *module, PyType_Spec *spec)
{
    PyTypeObject *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, NULL);
    if (type && PyModule_AddType(module, type) < 0)
        Py_CLEAR(type);
    return type;
}

static int exec(PyObject *module)
{
    struct module_state *state = PyModule_GetState(module);
    PyObject *json = PyImport_ImportModule("json.encoder");
    state->encode = json ? PyObject_GetAttrString(json, "encode_basestring") : NULL;
    Py_XDECREF(json);
    state->ranking_type = add_type(module, &kato_ranking_spec);
    PyTypeObject *memory_type = add_type(module, &kato_memory_spec);
    bool made = state->encode && state->ranking_type && memory_type;
    Py_XDECREF((PyObject *)memory_type);
    return made ? 0 : -1;
}

static int traverse(PyObject *module, visitproc visit, void *arg)
{
    struct module_state *state = PyModule_GetState(module);
    Py_VISIT(state->encode);
    Py_VISIT(state->ranking_type);
    return 0;
}

static int clear(PyObject *module)
{
    struct module_state *state = PyModule_GetState(module);
    Py_CLEAR(state->encode);
    Py_CLEAR(state->ranking_type);
    return 0;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, exec}, {0, NULL}};

static PyModuleDef definition = {.m_base = PyModuleDef_HEAD_INIT,
                                 .m_name = "_kernel",
                                 .m_doc = "The matching kernel: models, found and matched in C.",
                                 .m_size = sizeof(struct module_state),
                                 .m_methods = functions,
                                 .m_slots = slots,
                                 .m_traverse = traverse,
                                 .m_clear = clear};

__attribute__((visibility("default"))) PyMODINIT_FUNC PyInit__kernel(void)
{
    return PyModuleDef_Init(&definition);
}
