// CUDA's vectors, functions and bit tricks, with the same overloads: what is ambiguous for CUDA is ambiguous here.
#pragma once

// ---- vectors: aligned so that one instruction loads them ------------------------------------------------------------
#define EMU_VECTORS(type, word, two, four)                                                                    \
    struct alignas(two) word##2 { type x, y; };                                                               \
    struct word##3 { type x, y, z; };                                                                         \
    struct alignas(four) word##4 { type x, y, z, w; };                                                        \
    inline word##2 make_##word##2(type x, type y) { return {x, y}; }                                          \
    inline word##3 make_##word##3(type x, type y, type z) { return {x, y, z}; }                               \
    inline word##4 make_##word##4(type x, type y, type z, type w) { return {x, y, z, w}; }
EMU_VECTORS(float, float, 8, 16)
EMU_VECTORS(double, double, 16, 16)
EMU_VECTORS(int, int, 8, 16)
EMU_VECTORS(unsigned char, uchar, 2, 4)
struct alignas(8) uint2 { unsigned x, y; };  // uint3 is in cuda.h
struct alignas(16) uint4 { unsigned x, y, z, w; };
inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
inline uint3 make_uint3(unsigned x, unsigned y, unsigned z) { return {x, y, z}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

template <class V> V __ldg(const V *address) { return *address; }  // on a GPU: through the cache for what nobody writes

// ---- functions of real numbers: exp(double), expf(float), and exp(float) means expf ----------------------------------
#define EMU_ONE(name)                                                                                         \
    extern "C" double name(double) noexcept;                                                                  \
    extern "C" float name##f(float) noexcept;                                                                 \
    inline float name(float x) { return name##f(x); }
#define EMU_TWO(name)                                                                                         \
    extern "C" double name(double, double) noexcept;                                                          \
    extern "C" float name##f(float, float) noexcept;                                                          \
    inline float name(float x, float y) { return name##f(x, y); }
EMU_ONE(exp) EMU_ONE(exp2) EMU_ONE(expm1) EMU_ONE(log) EMU_ONE(log2) EMU_ONE(log10) EMU_ONE(log1p)
EMU_ONE(sqrt) EMU_ONE(cbrt) EMU_ONE(fabs) EMU_ONE(floor) EMU_ONE(ceil) EMU_ONE(trunc) EMU_ONE(round) EMU_ONE(rint)
EMU_ONE(sin) EMU_ONE(cos) EMU_ONE(tan) EMU_ONE(asin) EMU_ONE(acos) EMU_ONE(atan)
EMU_ONE(sinh) EMU_ONE(cosh) EMU_ONE(tanh) EMU_ONE(erf) EMU_ONE(erfc)
EMU_TWO(pow) EMU_TWO(fmin) EMU_TWO(fmax) EMU_TWO(fmod) EMU_TWO(atan2) EMU_TWO(hypot) EMU_TWO(copysign)

extern "C" double fma(double, double, double) noexcept;
extern "C" float fmaf(float, float, float) noexcept;
inline float fma(float x, float y, float z) { return fmaf(x, y, z); }
inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
inline float rsqrt(float x) { return 1.0f / sqrtf(x); }
inline double rsqrt(double x) { return 1.0 / sqrt(x); }
#define EMU_ASK(name)                                                                                         \
    inline bool name(float x) { return __builtin_##name(x); }                                                 \
    inline bool name(double x) { return __builtin_##name(x); }
EMU_ASK(isnan) EMU_ASK(isinf) EMU_ASK(isfinite) EMU_ASK(signbit)

// The fast approximations of a GPU are exact here: how far they are off, only a GPU can show.
inline float __expf(float x) { return expf(x); }
inline float __logf(float x) { return logf(x); }
inline float __log2f(float x) { return log2f(x); }
inline float __sinf(float x) { return sinf(x); }
inline float __cosf(float x) { return cosf(x); }
inline float __powf(float x, float y) { return powf(x, y); }
inline float __fdividef(float x, float y) { return x / y; }
inline float __saturatef(float x) { return x > 0 ? (x < 1 ? x : 1) : 0; }
// Rounded to the nearest, and never fused into a multiply-add.
inline float __fadd_rn(float x, float y) { return x + y; }
inline float __fsub_rn(float x, float y) { return x - y; }
inline float __fmul_rn(float x, float y) { return x * y; }
inline float __fdiv_rn(float x, float y) { return x / y; }
inline float __fsqrt_rn(float x) { return sqrtf(x); }
inline float __fmaf_rn(float x, float y, float z) { return fmaf(x, y, z); }
inline double __dadd_rn(double x, double y) { return x + y; }
inline double __dsub_rn(double x, double y) { return x - y; }
inline double __dmul_rn(double x, double y) { return x * y; }
inline double __ddiv_rn(double x, double y) { return x / y; }
inline double __fma_rn(double x, double y, double z) { return fma(x, y, z); }

// ---- the smaller, the larger, the absolute: of two numbers of one type; a NaN loses against a number ------------------
#define EMU_ORDER(type)                                                                                       \
    inline type min(type x, type y) { return y < x ? y : x; }                                                 \
    inline type max(type x, type y) { return x < y ? y : x; }
EMU_ORDER(int) EMU_ORDER(unsigned) EMU_ORDER(long) EMU_ORDER(unsigned long)
EMU_ORDER(long long) EMU_ORDER(unsigned long long)
inline unsigned min(int x, unsigned y) { return min((unsigned)x, y); }
inline unsigned min(unsigned x, int y) { return min(x, (unsigned)y); }
inline unsigned max(int x, unsigned y) { return max((unsigned)x, y); }
inline unsigned max(unsigned x, int y) { return max(x, (unsigned)y); }
inline float min(float x, float y) { return fminf(x, y); }
inline float max(float x, float y) { return fmaxf(x, y); }
inline double min(double x, double y) { return fmin(x, y); }
inline double max(double x, double y) { return fmax(x, y); }
inline double min(float x, double y) { return fmin((double)x, y); }
inline double min(double x, float y) { return fmin(x, (double)y); }
inline double max(float x, double y) { return fmax((double)x, y); }
inline double max(double x, float y) { return fmax(x, (double)y); }
inline int abs(int x) { return x < 0 ? -x : x; }
inline long long abs(long long x) { return x < 0 ? -x : x; }
inline float abs(float x) { return fabsf(x); }
inline double abs(double x) { return fabs(x); }

// ---- bits ------------------------------------------------------------------------------------------------------------
namespace emu {
template <class To, class From> To bits(From value) {
    static_assert(sizeof(To) == sizeof(From), "");
    To out;
    __builtin_memcpy(&out, &value, sizeof out);
    return out;
}
}  // namespace emu
inline unsigned __float_as_uint(float x) { return emu::bits<unsigned>(x); }
inline int __float_as_int(float x) { return emu::bits<int>(x); }
inline float __uint_as_float(unsigned x) { return emu::bits<float>(x); }
inline float __int_as_float(int x) { return emu::bits<float>(x); }
inline long long __double_as_longlong(double x) { return emu::bits<long long>(x); }
inline double __longlong_as_double(long long x) { return emu::bits<double>(x); }
inline unsigned __umulhi(unsigned x, unsigned y) { return (unsigned long long)x * y >> 32; }
inline int __mulhi(int x, int y) { return (long long)x * y >> 32; }
inline unsigned long long __umul64hi(unsigned long long x, unsigned long long y) { return (unsigned __int128)x * y >> 64; }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __clz(int x) { return x ? __builtin_clz(x) : 32; }
inline int __clzll(long long x) { return x ? __builtin_clzll(x) : 64; }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __float2int_rn(float x) { return (int)rintf(x); }
inline int __float2int_rz(float x) { return (int)x; }
inline float __int2float_rn(int x) { return (float)x; }
inline float __uint2float_rn(unsigned x) { return (float)x; }
