// Several neighbouring numbers by one instruction. A GPU keeps its memory busy only while enough bytes are on their way: by
// Little's law latency · bandwidth, on an H200 some 600 ns · 4.1 TB/s = 2.5 MB, 19 KB a multiprocessor. Its 2048 threads with a
// float each have 8 KB on their way, with four floats each 32.

template <class T, int N> struct alignas(sizeof(T) * N > 16 ? 16 : sizeof(T) * N) Together {
    T v[N];
};
using Four = Together<real, 4>;
using Pair = Together<real, 2>;

template <class T, int N> __device__ __forceinline__ Together<T, N> load(const T *from) {
    return *reinterpret_cast<const Together<T, N> *>(from);
}

template <class T, int N> __device__ __forceinline__ void store(T *to, Together<T, N> value) {
#ifndef TINYLUCID_EMULATED
    if constexpr (sizeof(value) % 16 == 0) {  // by name: the compiler takes an assignment apart where it stands under a condition
        auto parts = reinterpret_cast<const uint4 *>(&value);
#pragma unroll
        for (int k = 0; k < sizeof(value) / 16; ++k) __stwb(reinterpret_cast<uint4 *>(to) + k, parts[k]);
        return;
    }
#endif
    *reinterpret_cast<Together<T, N> *>(to) = value;
}

// Whether N numbers there can be loaded together; a part of an array may begin anywhere.
template <int N, class T> __device__ __forceinline__ bool fits(const T *p) {
    return reinterpret_cast<unsigned long long>(p) % alignof(Together<T, N>) == 0;
}

// y[i] = f(x[i] …) for i below size, four neighbours a thread. x and y may be the same array.
template <class F, class... In>
__device__ __forceinline__ void each_four(long long size, F f, real *y, const In *...x) {
    long long i = 4 * ((long long)blockIdx.x * blockDim.x + threadIdx.x);
    if (i + 4 <= size && fits<4>(y) && (fits<4>(x) && ...)) {
        auto apply = [&](auto... in) {
            Four out;
#pragma unroll
            for (int k = 0; k < 4; ++k) out.v[k] = f(in.v[k]...);
            store<real, 4>(y + i, out);
        };
        apply(load<In, 4>(x + i)...);
    } else {
        for (long long end = min(i + 4, size); i < end; ++i) y[i] = f(x[i]...);
    }
}
