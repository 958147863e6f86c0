import Bytes
import CommandLineInterface
import Dispatching
import Platform

/// Reads what commands are made from: a file, or standard input where its name is `-`.
enum CallInput {
  /// The most bytes of one call.
  static let limit = 256 << 20

  static func read(_ file: Input) throws(CommandFailure) -> [UInt8] {
    let path = if case .file(let path) = file { path } else { "-" }
    do { return try readFile(path, limit: limit) } catch { throw CommandFailure(error) }
  }

  /// Parses a request, or JSON Lines of them.
  ///
  /// A text whose first line is a whole JSON value is JSON Lines; any other is one request.
  static func requests(_ bytes: [UInt8]) throws(CommandFailure) -> [DispatchRequest] {
    guard let lines = jsonLines(bytes) else {
      return [
        try parsing { () throws(RequestError) in try DispatchRequest(parsing: bytes) }
      ]
    }
    return try each(lines) { (line) throws(RequestError) in try DispatchRequest(parsing: line) }
  }

  /// Parses JSON Lines of commands.
  static func commands(_ bytes: [UInt8]) throws(CommandFailure) -> [Command] {
    let lines = split(bytes)
    guard !lines.isEmpty else {
      throw CommandFailure(.badInput, "there is no command", notDone: "nothing was appended")
    }
    return try each(lines) { (line) throws(RequestError) in try Command(parsing: line) }
  }

  static func catalogue(_ bytes: [UInt8]) throws(CommandFailure) -> CatalogueDocument {
    try parsing { () throws(RequestError) in try CatalogueDocument(parsing: bytes) }
  }

  private static func jsonLines(_ bytes: [UInt8]) -> [(number: Int, line: [UInt8])]? {
    let lines = split(bytes)
    guard lines.count > 1, (try? JSON(parsing: lines[0].line)) != nil else { return nil }
    return lines
  }

  /// The lines that aren't blank, with their numbers from 1.
  private static func split(_ bytes: [UInt8]) -> [(number: Int, line: [UInt8])] {
    bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
      .map { ($0.offset + 1, Array($0.element)) }
      .filter { line in line.1.contains { !" \t\r".utf8.contains($0) } }
  }

  private static func each<Value>(
    _ lines: [(number: Int, line: [UInt8])], _ parse: ([UInt8]) throws(RequestError) -> Value
  ) throws(CommandFailure) -> [Value] {
    var values: [Value] = []
    for (number, line) in lines {
      do { values.append(try parse(line)) } catch {
        throw failure("line \(number): \(error.text)")
      }
    }
    return values
  }

  private static func parsing<Value>(
    _ parse: () throws(RequestError) -> Value
  ) throws(CommandFailure) -> Value {
    do { return try parse() } catch { throw failure(error.text) }
  }

  static func failure(_ text: String) -> CommandFailure {
    CommandFailure(
      .badInput, text, notDone: "nothing was appended", hint: "correct the input and call again")
  }
}
