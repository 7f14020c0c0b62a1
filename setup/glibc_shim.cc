// The six symbols that the Linux wheels of ml-metadata 1.21 and tensorflow-data-validation 1.21 want from glibc 2.38 and from
// the libstdc++ of GCC 13 and 14. Compiled by setup/shim.py on older systems and put beside the wheels' extension modules.
#include <cstdlib>
#include <exception>
#include <iostream>  // before GCC 13 this makes std::ios_base::Init run when the shim is loaded, as the modules expect

#define EXPORT extern "C" __attribute__((visibility("default")))

// glibc 2.38: strtol and its kin as C23 wants them. C23 adds only the prefix "0b", in bases 0 and 2.
EXPORT long __isoc23_strtol(const char *text, char **end, int base) { return strtol(text, end, base); }
EXPORT long long __isoc23_strtoll(const char *text, char **end, int base) { return strtoll(text, end, base); }
EXPORT unsigned long __isoc23_strtoul(const char *text, char **end, int base) { return strtoul(text, end, base); }
EXPORT unsigned long long __isoc23_strtoull(const char *text, char **end, int base) { return strtoull(text, end, base); }

// GCC 14 (CXXABI_1.3.15): called when an exception leaves a noexcept function; marks it caught, then terminates.
extern "C" void *__cxa_begin_catch(void *exception) noexcept;
EXPORT void __cxa_call_terminate(void *exception) noexcept {
    if (exception) __cxa_begin_catch(exception);
    std::terminate();
}

// GCC 13 (GLIBCXX_3.4.32): does nothing itself; naming it ties a module to a libstdc++ that initialises std::cout by itself.
EXPORT void _ZSt21ios_base_library_initv() {}
