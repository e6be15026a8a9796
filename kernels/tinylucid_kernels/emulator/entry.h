// How launch.py finds a kernel in its library, and what it asks of it. compile.py puts one line EMU_KERNEL(name, bound) for
// each kernel behind the source; `bound` is the most threads that __launch_bounds__ lets a block have.
#pragma once

namespace emu {
// A parameter's type in four letters: "f4" a float, "i8" a long long; "Pf4" a pointer to floats, "Cf4" to const ones.
struct Code { char letters[4]; };
template <class T> struct Type {
    static constexpr bool floating = sizeof(T) >= 4 && T(0.5) != T(0), negative = T(-1) < T(0);
    static constexpr char kind = floating ? 'f' : negative ? 'i' : 'u', size = '0' + sizeof(T);
    static constexpr Code code = {{kind, size}};
};
template <class T> struct Type<T *> { static constexpr Code code = {{'P', Type<T>::kind, Type<T>::size}}; };
template <class T> struct Type<const T *> { static constexpr Code code = {{'C', Type<T>::kind, Type<T>::size}}; };

template <class... A> const Code *signature(void (*)(A...)) {
    static constexpr Code codes[] = {Type<A>::code..., Code{}};  // the empty one ends the list
    return codes;
}

template <int... I> struct Indices {};
template <class... A, int... I>
__attribute__((no_sanitize("thread"))) void call(void (*kernel)(A...), void **arguments, Indices<I...>) {
    kernel(*(A *)arguments[I]...);
}
template <class... A> __attribute__((no_sanitize("thread"))) void call(void (*kernel)(A...), void **arguments) {
    call(kernel, arguments, Indices<__integer_pack(sizeof...(A))...>());
}
}  // namespace emu

#define EMU_SEEN extern "C" __attribute__((visibility("default")))
#define EMU_KERNEL(kernel, bound)                                                                             \
    EMU_SEEN void emu_call_##kernel(void **arguments) { emu::call(kernel, arguments); }                       \
    EMU_SEEN const emu::Code *emu_signature_##kernel() { return emu::signature(kernel); }                     \
    EMU_SEEN int emu_bound_##kernel() { return bound; }

// The linker's marks: where the library begins, where its zeroed memory (all of it shared memory) begins and ends.
extern "C" __attribute__((visibility("hidden"))) char __ehdr_start[], __bss_start[], _end[];
EMU_SEEN char *const *emu_memory() {
    static char *const marks[] = {__ehdr_start, __bss_start, _end};
    return marks;
}
