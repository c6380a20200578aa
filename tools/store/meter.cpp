#include "tools/store/meter.hpp"

#include "tools/store/operation.hpp"

namespace act::store {

meter::meter() : rows_(all_operations().size() + 1) {}

void meter::count(const operation* what, int status) {
    const auto all = all_operations();
    const std::size_t at = what ? static_cast<std::size_t>(what - all.data()) : all.size();
    const int slot = status >= least && status < most ? status - least : most - least;
    rows_.at(at)[static_cast<std::size_t>(slot)].fetch_add(1, std::memory_order_relaxed);
}

void meter::clear() {
    for (row& r : rows_) {
        for (auto& n : r) n.store(0, std::memory_order_relaxed);
    }
}

std::map<std::string, std::map<std::string, std::uint64_t>> meter::counts() const {
    std::map<std::string, std::map<std::string, std::uint64_t>> out;
    const auto all = all_operations();
    for (std::size_t at = 0; at < rows_.size(); ++at) {
        const char* name = at < all.size() ? all[at].name : "Unknown";
        for (std::size_t slot = 0; slot < rows_[at].size(); ++slot) {
            const auto n = rows_[at][slot].load(std::memory_order_relaxed);
            if (n == 0) continue;
            const int status = least + static_cast<int>(slot);
            out[name][status == most ? "reset" : std::to_string(status)] += n;
        }
    }
    return out;
}

}  // namespace act::store
