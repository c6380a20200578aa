#include "transfer/ops/known.hpp"

#include "transfer/plan/attributes.hpp"

namespace act::ops {

namespace {

constexpr std::size_t batch_size = 1024;

}  // namespace

task<result<const plan::listed_item*>> known_reader::peek() {
    while (at_ == batch_.size() && !ended_) {
        ACT_CO_TRY_VOID(op_.patience().check());
        batch_.clear();
        at_ = 0;
        auto read = [this]() -> result<void> {
            if (!std::exchange(begun_, true)) ACT_TRY_VOID(from_.begin());
            while (batch_.size() < batch_size && !ended_) {
                ACT_TRY(auto next, from_.next());
                ended_ = !next;
                if (next) batch_.push_back(std::move(*next));
            }
            return {};
        };
        ACT_CO_TRY_VOID(co_await op_.context().runtime.blocking(read));
    }
    co_return at_ == batch_.size() ? nullptr : &batch_[at_];
}

blob::properties properties_of(const plan::listed_item& item, std::string name) {
    blob::properties out;
    out.name = std::move(name);
    out.size = item.size.value_or(0);
    out.etag = item.etag;
    out.modified = wall_time::min();
    out.type = item.type;
    out.is_directory = item.folder;
    if (item.modified) out.metadata["mtime"] = to_iso8601_nanos(*item.modified);
    if (item.link) out.metadata["is_symlink"] = "true";
    return out;
}

bool takes(const plan::selection& wanted, const plan::listed_item& item) {
    if (item.folder) return wanted.name(item.destination, true);
    const std::uint64_t size = item.size.value_or(0);
    if (item.modified) return wanted.file(item.destination, size, *item.modified);
    return wanted.file(item.destination, size, wall_time::min()) &&
           wanted.file(item.destination, size, wall_time::max());
}

}  // namespace act::ops
