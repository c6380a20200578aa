#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// Many texts searched for at once (Aho and Corasick): one table look-up a byte, however many they are.
/// Private to this folder.
namespace act::runs {

/// For a pattern of grep -E: texts of which every line that it matches has at least one. Empty: there are no
/// such texts of three characters or more.
std::vector<std::string> plain_texts(std::string_view pattern);

class text_finder {
public:
    /// `id` is what it is found as.
    void add(const std::string& text, std::size_t id);
    /// After the last add().
    void prepare();

    /// Calls `found(end, id)` for each place, in order.
    template <class Found>
    void search(std::string_view text, Found found) const {
        std::uint32_t state = 0;
        for (std::size_t i = 0; i < text.size(); ++i) {
            state = next_[state + symbol_[static_cast<unsigned char>(text[i])]];
            if (state >= first_final_) {
                for (std::size_t id : ids_[(state - first_final_) / symbols_]) found(i + 1, id);
            }
        }
    }

private:
    struct entry {
        std::string text;
        std::size_t id;
    };
    std::vector<entry> entries_;
    std::array<std::uint8_t, 256> symbol_{};  ///< 0: in no text
    std::uint32_t symbols_ = 1;
    std::vector<std::uint32_t> next_;  ///< by state, which is its row's offset, and symbol
    std::uint32_t first_final_ = 0;    ///< states from here on end a text
    std::vector<std::vector<std::size_t>> ids_;
};

}  // namespace act::runs
