// Counting what the warps of a kernel ask of memory, and where their lanes part: what a GPU's profiler counts, and no time.
//
// Threads run one after another here, so a warp's request is put together afterwards: it is what the lanes of a warp do when
// they come to one instruction for the k-th time. (Where lanes go round an inner loop unequally often, a GPU would pair
// their later rounds in another way.) A branch is where a comparison ends a straight piece of code; the lanes part
// if, having come there for the k-th time, they go on to different pieces.
//
//   global memory  comes in sectors of 32 bytes: those that the lanes touch, beside those that their bytes would fill
//   shared memory  has 32 banks of 4 bytes: a request takes as many turns as one bank has different words to give. Lanes with
//                  8 bytes each are served by halves of a warp, with 16 by quarters, so 2 and 4 turns are the fewest.
#include <algorithm>
#include <map>
#include <vector>

#include "runtime.h"

namespace emu {

const int BRANCH = 3;  // after READ, WRITE, ATOMIC

// What was counted for one instruction and one array.
struct Count {
    uint64_t code;      // a distance from the library's beginning
    int32_t kind, array;  // which of the arguments; -1: shared memory, or a branch
    uint64_t requests;  // of warps: accesses, or arrivals at a branch
    uint64_t cost;      // sectors, turns, or how often lanes parted
    uint64_t fewest;    // sectors or turns that it could have been
    uint64_t most;      // the cost of the dearest request
    int64_t step;       // bytes from one lane's address to its neighbour's, in the dearest request
    uint64_t where;     // bytes from the array's start, or that of the shared memory, to what was first touched
    uint32_t even, size;  // whether that step is the same between all neighbours; bytes that a lane asks for
};

struct Event {
    uint32_t code;
    uint8_t kind, size;
    int8_t array;
    uint64_t value;  // where in the array, or the piece of code that a branch goes on to
};

struct Request {
    uint64_t turn;  // the instruction, and for the how manieth time
    int lane;
    Event event;
    bool operator<(const Request &other) const { return turn != other.turn ? turn < other.turn : lane < other.lane; }
};

static std::vector<std::vector<Event>> logs;  // of each thread of the block
static std::vector<uint32_t> compared;  // each thread's comparison since its last piece of code; 0: none
static std::map<std::pair<uint32_t, int>, Count> counts;
static std::vector<Count> listed;

void begin_counts() {
    counts.clear();
    int threads = launch->block[0] * launch->block[1] * launch->block[2];
    logs.assign(threads, {});
    compared.assign(threads, 0);
}

void count_access(Kind kind, const char *code, uint64_t distance, unsigned size, int region, bool shared) {
    int array = shared ? -1 : launch->argument[region - (launch->end > launch->shared)];
    logs[current->number].push_back({(uint32_t)(code - launch->library), (uint8_t)kind, (uint8_t)size, (int8_t)array, distance});
}

static bool counting() { return launch && launch->count && current; }  // a library's own code runs outside of a launch

static void branch_to(int thread, uint32_t piece) {
    if (compared[thread]) logs[thread].push_back({compared[thread], BRANCH, 0, -1, piece});
    compared[thread] = 0;
}

static uint64_t different(std::vector<uint64_t> &values) {
    std::sort(values.begin(), values.end());
    return std::unique(values.begin(), values.end()) - values.begin();
}

// Lanes first to last of a request: how many units of so many bytes their bytes lie in.
static uint64_t units(const Request *first, const Request *last, unsigned bytes) {
    std::vector<uint64_t> touched;
    for (; first != last; ++first)
        for (uint64_t u = first->event.value / bytes; u <= (first->event.value + first->event.size - 1) / bytes; ++u)
            touched.push_back(u);
    return different(touched);
}

static uint64_t turns(const Request *first, const Request *last) {
    std::vector<uint64_t> words;
    for (; first != last; ++first)
        for (uint64_t w = first->event.value / 4; w <= (first->event.value + first->event.size - 1) / 4; ++w) words.push_back(w);
    words.resize(different(words));
    uint64_t in_bank[32] = {}, most = 0;
    for (uint64_t word : words) most = std::max(most, ++in_bank[word % 32]);
    return most;
}

// A request's cost and the least it could have been.
static std::pair<uint64_t, uint64_t> cost_of(const Request *first, const Request *last) {
    const Event &event = first->event;
    if (event.kind == BRANCH) {
        bool part = false;
        for (const Request *r = first; r != last; ++r) part |= r->event.value != event.value;
        return {part, 0};
    }
    if (event.array >= 0) return {units(first, last, 32), (units(first, last, 1) + 31) / 32};
    std::pair<uint64_t, uint64_t> sum = {0, 0};
    int lanes = event.size > 8 ? 8 : event.size > 4 ? 16 : 32;  // that are served at once
    while (first != last) {
        const Request *end = first;
        while (end != last && end->lane / lanes == first->lane / lanes) ++end;
        sum.first += turns(first, end), sum.second += 1;
        first = end;
    }
    return sum;
}

static void add_request(const Request *first, const Request *last) {
    const Event &event = first->event;
    Count &count = counts[{event.code, event.array}];
    auto [cost, fewest] = cost_of(first, last);
    count.code = event.code, count.kind = event.kind, count.array = event.array, count.size = event.size;
    if (!count.requests) count.where = event.value;
    ++count.requests, count.cost += cost, count.fewest += fewest;
    if (count.requests > 1 && cost <= count.most) return;
    count.most = cost, count.even = 1, count.step = 0;
    for (const Request *r = first; r + 1 < last; ++r) {
        int64_t step = (int64_t)(r[1].event.value - r->event.value) / (r[1].lane - r->lane);
        if (r == first) count.step = step;
        count.even &= step == count.step;
    }
}

void count_block() {
    for (int first = 0; first < thread_count; first += 32) {
        std::vector<Request> requests;
        for (int thread = first; thread < std::min(first + 32, thread_count); ++thread) {
            branch_to(thread, 0);  // the thread's end
            std::map<uint32_t, uint32_t> times;
            for (const Event &event : logs[thread])
                requests.push_back({(uint64_t)event.code << 32 | times[event.code]++, thread - first, event});
            logs[thread].clear();
        }
        std::sort(requests.begin(), requests.end());
        for (size_t i = 0, end; i < requests.size(); i = end) {
            for (end = i; end < requests.size() && requests[end].turn == requests[i].turn;) ++end;
            add_request(&requests[i], &requests[i] + (end - i));
        }
    }
}

}  // namespace emu

// What was counted in the last launch; returns how many there are.
extern "C" int emu_counts(const emu::Count **first) {
    emu::listed.clear();
    for (auto &[where, count] : emu::counts) emu::listed.push_back(count);
    *first = emu::listed.data();
    return emu::listed.size();
}

#define CODE ((uint32_t)((char *)__builtin_return_address(0) - 1 - emu::launch->library))
#define COMPARED(name, type) \
    void __sanitizer_cov_trace_##name(type, type) { if (emu::counting()) emu::compared[emu::current->number] = CODE; }

extern "C" {
void __sanitizer_cov_trace_pc() { if (emu::counting()) emu::branch_to(emu::current->number, CODE); }
COMPARED(cmp1, uint8_t)
COMPARED(cmp2, uint16_t)
COMPARED(cmp4, uint32_t)
COMPARED(cmp8, uint64_t)
COMPARED(const_cmp1, uint8_t)
COMPARED(const_cmp2, uint16_t)
COMPARED(const_cmp4, uint32_t)
COMPARED(const_cmp8, uint64_t)
COMPARED(cmpf, float)
COMPARED(cmpd, double)
void __sanitizer_cov_trace_switch(uint64_t, void *) {
    if (emu::counting()) emu::compared[emu::current->number] = CODE;
}
}
