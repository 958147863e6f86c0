import Bytes
import Events

extension TemplateError {
  /// The error in one line without a period: which text, where, what, and what to do.
  package var text: String {
    let place = position.map { "the \(part.rawValue) at \($0)" } ?? "the \(part.rawValue)"
    switch problem {
    case .mustache(let problem): return "\(place) \(problem.text)"
    case .unknownVariable(let name, let suggestion):
      let hint = suggestion.map { "; did you mean \($0)?" } ?? ""
      return "\(place) names \"\(visible(name))\", which no notice has\(hint)"
    case .markMissing(let mark, let kind):
      return "\(place) doesn't say \(mark) where a notice of kind \(kind.rawValue) must; "
        + "{{mark}} says it where it is meant"
    case .markUnmeant(let mark, let kind):
      return "\(place) says \(mark) in a notice of kind \(kind.rawValue) that isn't; put it into "
        + "{{#is_\(mark.lowercased())}}…{{/is_\(mark.lowercased())}}, or write {{mark}}"
    }
  }
}

extension MustacheError {
  /// The error with its place.
  package var text: String { "\(position): it \(problem.text)" }
}

extension MustacheError.Problem {
  /// What is wrong, as it follows the place.
  package var text: String {
    switch self {
    case .tooLarge(let limit): "has more than \(limit) bytes"
    case .tooDeep(let limit): "has more than \(limit) sections within each other"
    case .unclosedTag: "has a tag that nothing closes"
    case .unclosedSection(let name): "has a section {{#\(visible(name))}} that nothing closes"
    case .wrongEnd(let name, let expected?):
      "has {{/\(visible(name))}} where {{/\(visible(expected))}} should stand"
    case .wrongEnd(let name, nil):
      "has {{/\(visible(name))}} without a section that it closes"
    case .badName(let name):
      "has a tag with \"\(visible(name))\", which is no name: letters, digits, _ and -"
    case .notCore(let extra):
      "has \(extra.rawValue): only variables, sections and comments are known here"
    case .noValue(let name):
      "prints {{\(visible(name))}}, which some notices don't have; put it into "
        + "{{#\(visible(name))}}…{{/\(visible(name))}}"
    case .noText(let name):
      "prints {{\(visible(name))}}, which is no text; use it as a section"
    case .outputTooLong(let limit): "makes more than \(limit) bytes of the longest notice"
    }
  }
}

extension ConditionError {
  /// The error in one line without a period.
  package var text: String {
    switch problem {
    case .expected(let expected, let found):
      let what = found.isEmpty ? "it ends" : "\"\(visible(found))\" stands"
      return "at \(position) \(what) where \(expected) should be"
    case .tooLarge(let limit): return "it has more than \(limit) bytes"
    case .tooDeep(let limit):
      return "at \(position) more than \(limit) levels stand within each other"
    case .tooManyTests(let limit): return "at \(position) there are more than \(limit) comparisons"
    }
  }
}

extension FieldReading {
  /// A condition, or `nil` where the field is absent.
  func optionalCondition(_ key: String) throws(RequestError) -> Condition? {
    guard let text = try optionalString(key) else { return nil }
    do { return try Condition(parsing: text) } catch { throw failure(key, .condition(error)) }
  }
}
