#include "engine/file/name_sorter.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <queue>

#include "engine/core/log.hpp"
#include "engine/core/units.hpp"
#include "engine/file/posix.hpp"

namespace act::file {

namespace {

/// Sixteen bytes a name besides its text; the first eight of it decide most comparisons without a look at the
/// text.
struct record {
    std::uint64_t prefix;
    std::uint64_t offset : 40;
    std::uint64_t length : 16;
    std::uint64_t kind : 8;
};
static_assert(sizeof(record) == 16);

std::uint64_t prefix_of(std::string_view name) {
    std::array<char, 8> first{};  // names hold no zero bytes, so that padding sorts before everything
    std::memcpy(first.data(), name.data(), std::min(name.size(), first.size()));
    std::uint64_t value;
    std::memcpy(&value, first.data(), sizeof value);
    return __builtin_bswap64(value);
}

/// Names in memory.
struct name_table {
    std::string text;
    std::vector<record> records;

    void add(std::string_view name, name_kind kind) {
        records.push_back({0, text.size(), name.size(), static_cast<std::uint64_t>(kind)});
        text += name;
    }
    std::string_view name(const record& r) const { return std::string_view(text).substr(r.offset, r.length); }
    sorted_names::item at(std::size_t i) const {
        return {name(records[i]), static_cast<name_kind>(records[i].kind)};
    }
    void sort() {
        const std::size_t shared = shared_length();
        for (record& r : records) r.prefix = prefix_of(name(r).substr(shared));
        std::ranges::sort(records, [this](const record& a, const record& b) {
            return a.prefix != b.prefix ? a.prefix < b.prefix : name(a) < name(b);
        });
    }
    /// How many characters all names begin with; "img-00017.png" would tell nothing by its first eight.
    std::size_t shared_length() const {
        if (records.empty()) return 0;
        const std::string_view first = name(records.front());
        std::size_t length = first.size();
        for (const record& r : records) {
            const std::string_view other = name(r).substr(0, length);
            const auto differs = std::mismatch(other.begin(), other.end(), first.begin());
            length = static_cast<std::size_t>(differs.first - other.begin());
            if (length == 0) break;
        }
        return length;
    }
    std::size_t bytes() const { return text.size() + records.size() * sizeof(record); }
    void clear() {
        text.clear();
        records.clear();
    }
};

/// In a run a name is its length (two bytes), its kind (one) and its text.
constexpr std::size_t run_header = 3;
constexpr std::size_t run_buffer = 64 * KiB;

/// Gives the names of one run, from disk or from the table that stayed in memory.
class run_reader {
public:
    run_reader(int fd, std::uint64_t begin, std::uint64_t end) : fd_(fd), at_(begin), end_(end) {}
    explicit run_reader(const name_table& table) : table_(&table) {}

    /// False at the end, and when it cannot be read: `whole` becomes false then.
    bool advance(bool& whole) {
        if (table_) {
            if (next_ == table_->records.size()) return false;
            item_ = table_->at(next_++);
            return true;
        }
        if (!fill(run_header, whole)) return false;
        std::uint16_t length;
        std::memcpy(&length, buffer_.data() + used_, sizeof length);
        const auto kind = static_cast<name_kind>(buffer_[used_ + 2]);
        if (!fill(run_header + length, whole)) return false;
        item_ = {std::string_view(buffer_).substr(used_ + run_header, length), kind};
        used_ += run_header + length;
        return true;
    }
    const sorted_names::item& item() const { return item_; }

private:
    bool fill(std::size_t wanted, bool& whole) {
        if (buffer_.size() - used_ >= wanted) return true;
        buffer_.erase(0, used_);
        used_ = 0;
        const std::size_t had = buffer_.size();
        buffer_.resize(had + static_cast<std::size_t>(std::min<std::uint64_t>(run_buffer, end_ - at_)));
        const auto read = read_at(fd_, std::as_writable_bytes(std::span(buffer_).subspan(had)), at_, "names");
        const std::size_t more = read ? *read : 0;
        buffer_.resize(had + more);
        at_ += more;
        if (buffer_.size() >= wanted) return true;
        if (at_ != end_ || !buffer_.empty()) whole = false;
        return false;
    }

    const name_table* table_ = nullptr;
    std::size_t next_ = 0;
    int fd_ = -1;
    std::uint64_t at_ = 0, end_ = 0;
    std::string buffer_;
    std::size_t used_ = 0;
    sorted_names::item item_{};
};

}  // namespace

struct sorted_names::state {
    name_table table;
    descriptor disk;
    std::vector<run_reader> runs;
    struct later {
        bool operator()(const run_reader* a, const run_reader* b) const {
            return b->item().name < a->item().name;
        }
    };
    std::priority_queue<run_reader*, std::vector<run_reader*>, later> merge;
    std::size_t left = 0;
    bool whole = true;
};

sorted_names::sorted_names() = default;
sorted_names::~sorted_names() = default;
sorted_names::sorted_names(sorted_names&&) noexcept = default;
sorted_names& sorted_names::operator=(sorted_names&&) noexcept = default;

const sorted_names::item* sorted_names::peek() const {
    return state_ && !state_->merge.empty() ? &state_->merge.top()->item() : nullptr;
}

void sorted_names::pop() {
    state& s = *state_;
    run_reader* const run = s.merge.top();
    s.merge.pop();
    if (run->advance(s.whole)) s.merge.push(run);
    s.left = s.merge.empty() ? 0 : s.left - 1;
}

std::size_t sorted_names::left() const { return state_ ? state_->left : 0; }
bool sorted_names::whole() const { return !state_ || state_->whole; }

struct name_sorter::state {
    std::size_t memory;
    name_table table;
    descriptor disk;
    std::vector<std::uint64_t> run_ends;
    std::size_t spilled = 0;
    bool may_spill = true;

    void spill();
};

/// Writes the table as one run. On failure everything stays in memory, where it is right, if large.
void name_sorter::state::spill() {
    if (!disk) disk = posix::anonymous_file();
    table.sort();
    std::uint64_t end = run_ends.empty() ? 0 : run_ends.back();
    std::string buffer;
    const auto flush = [&] {
        if (disk && write_at(disk.get(), std::as_bytes(std::span(buffer)), end, "names")) {
            end += buffer.size();
            buffer.clear();
            return true;
        }
        may_spill = false;
        return false;
    };
    for (std::size_t i = 0; i < table.records.size(); ++i) {
        const auto item = table.at(i);
        const auto length = static_cast<std::uint16_t>(item.name.size());
        buffer.append(reinterpret_cast<const char*>(&length), sizeof length);
        buffer += static_cast<char>(item.kind);
        buffer += item.name;
        if (buffer.size() >= run_buffer && !flush()) break;
    }
    if (may_spill) flush();
    if (!may_spill) {
        log::warning("no room for a temporary file: a very large directory is sorted in memory");
        return;
    }
    run_ends.push_back(end);
    spilled += table.records.size();
    table.clear();
}

name_sorter::name_sorter(std::size_t memory) : state_(std::make_unique<state>()) { state_->memory = memory; }
name_sorter::~name_sorter() = default;

void name_sorter::add(std::string_view name, name_kind kind) {
    state_->table.add(name, kind);
    if (state_->table.bytes() > state_->memory && state_->may_spill) state_->spill();
}

std::size_t name_sorter::runs() const { return state_->run_ends.size(); }

sorted_names name_sorter::finish() {
    state& from = *state_;
    sorted_names out;
    out.state_ = std::make_unique<sorted_names::state>();
    auto& to = *out.state_;
    to.left = from.spilled + from.table.records.size();
    from.table.sort();
    to.table = std::move(from.table);
    to.disk = std::move(from.disk);
    std::uint64_t begin = 0;
    for (const std::uint64_t end : from.run_ends)
        to.runs.emplace_back(to.disk.get(), std::exchange(begin, end), end);
    to.runs.emplace_back(to.table);
    for (run_reader& run : to.runs) {
        if (run.advance(to.whole)) to.merge.push(&run);
    }
    return out;
}

}  // namespace act::file
