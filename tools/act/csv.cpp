#include "tools/act/csv.hpp"

#include <fmt/format.h>

#include "engine/core/units.hpp"
#include "engine/file/file.hpp"

namespace act::cli {

namespace {

struct row {
    std::size_t line = 1;
    std::vector<std::string> fields;
};

class reader {
public:
    reader(const std::string& path, std::string_view text) : path_(path), text_(text) {
        // As spreadsheets write it.
        if (text_.starts_with("\xef\xbb\xbf")) text_.remove_prefix(3);
    }

    bool done() const { return at_ == text_.size(); }

    result<row> next() {
        row out;
        out.line = line_;
        for (;;) {
            ACT_TRY(std::string value, field());
            out.fields.push_back(std::move(value));
            if (at_ < text_.size() && text_[at_] == ',') {
                ++at_;
                continue;
            }
            if (at_ < text_.size() && text_[at_] == '\r') ++at_;
            if (at_ < text_.size() && text_[at_] == '\n') {
                ++at_;
                ++line_;
            } else if (at_ < text_.size()) {
                return error(kind::usage, fmt::format("{}:{}: text behind a closing quote", path_, line_),
                             "double the quotes inside a field");
            }
            return out;
        }
    }

private:
    result<std::string> field() {
        if (at_ == text_.size() || text_[at_] != '"') {
            const std::size_t from = at_;
            at_ = std::min(text_.find_first_of(",\r\n", at_), text_.size());
            return std::string(text_.substr(from, at_ - from));
        }
        std::string out;
        const std::size_t begun = line_;
        for (++at_; at_ < text_.size(); ++at_) {
            if (text_[at_] == '"') {
                if (at_ + 1 == text_.size() || text_[at_ + 1] != '"') {
                    ++at_;
                    return out;
                }
                ++at_;
            }
            if (text_[at_] == '\n') ++line_;
            out += text_[at_];
        }
        return error(kind::usage, fmt::format("{}:{}: a quote is not closed", path_, begun), "close it");
    }

    const std::string& path_;
    std::string_view text_;
    std::size_t at_ = 0, line_ = 1;
};

}  // namespace

result<std::vector<std::vector<std::pair<std::string, std::string>>>> read_csv(const std::string& path) {
    ACT_TRY(std::string text, file::read_all(path, 64 * MiB));
    reader in(path, text);
    ACT_TRY(row header, in.next());
    for (const auto& name : header.fields) {
        if (name.empty())
            return error(kind::usage, path + ":1: a column has no name",
                         "the first row names the parameters");
    }
    std::vector<std::vector<std::pair<std::string, std::string>>> out;
    while (!in.done()) {
        ACT_TRY(row r, in.next());
        if (r.fields.size() == 1 && r.fields.front().empty()) continue;
        if (r.fields.size() != header.fields.size()) {
            return error(kind::usage,
                         fmt::format("{}:{}: {} values for {} columns", path, r.line, r.fields.size(),
                                     header.fields.size()),
                         "give each column a value; quote those that hold a comma");
        }
        out.emplace_back();
        for (std::size_t i = 0; i < r.fields.size(); ++i)
            out.back().emplace_back(header.fields[i], std::move(r.fields[i]));
    }
    return out;
}

}  // namespace act::cli
