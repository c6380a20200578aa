#include "submit/cluster/suggest.hpp"

#include <algorithm>
#include <cctype>

namespace act::cluster {

unsigned edit_distance(std::string_view a, std::string_view b) {
    auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
    std::vector<unsigned> before_last(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
    for (unsigned j = 0; j <= b.size(); ++j) last[j] = j;
    for (unsigned i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (unsigned j = 1; j <= b.size(); ++j) {
            bool same = lower(a[i - 1]) == lower(b[j - 1]);
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0u : 1u)});
            bool swapped =
                i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]);
            if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
        }
        std::swap(before_last, last);
        std::swap(last, row);
    }
    return last[b.size()];
}

std::string nearest(std::string_view word, const std::vector<std::string>& known) {
    const std::string* best = nullptr;
    unsigned least = static_cast<unsigned>(std::max<std::size_t>(1, word.size() / 3)) + 1;
    for (const auto& k : known) {
        // One word inside the other ("compute" for "compute_target") is a slip of its own kind.
        bool part = word.size() >= 3 && (k.starts_with(word) || word.starts_with(k));
        unsigned d = part ? 1 : edit_distance(word, k);
        if (d < least) least = d, best = &k;
    }
    return best ? *best : std::string();
}

}  // namespace act::cluster
