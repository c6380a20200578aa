#include "transfer/blob/list_page.hpp"

namespace act::blob {

std::vector<properties> list_page::take() {
    std::vector<properties> out;
    if (!packed_ && first_ == 0 && count_ == entries_.size()) {
        out = std::move(entries_);
    } else {
        out.reserve(count_);
        for (std::size_t i = 0; i < count_; ++i) out.push_back(std::move((*this)[i]));
    }
    *this = list_page(std::vector<properties>(), std::move(next_marker));
    return out;
}

}  // namespace act::blob
