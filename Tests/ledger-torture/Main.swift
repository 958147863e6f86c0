import Foundation
import Torture

/// Runs some cases of one part, and prints what they came to as one line of JSON.
///
/// Not installed; `tools/torture` runs it, shares the cases out and adds them up. `ledger-torture
/// --parts`: a line for each part, its name, how many cases a pass has and whether there are more.
@main
enum Program {
  private struct Wrong: Error { let text: String }

  static func main() {
    do {
      try run(Array(CommandLine.arguments.dropFirst()))
    } catch {
      let text = (error as? Wrong)?.text ?? "\(error)"
      FileHandle.standardError.write(Data("ledger-torture: \(text)\n".utf8))
      exit(64)
    }
  }

  private static func run(_ arguments: [String]) throws {
    if arguments == ["--parts"] {
      for name in Part.names {
        guard let part = try Part.named(name, seed: 0) else { continue }
        print(name, part.count, part.isEndless)
      }
      return
    }
    guard arguments.count == 4, let seed = UInt64(arguments[1]), let first = Int(arguments[2]),
      let count = Int(arguments[3]), first >= 0, count >= 0,
      let part = try Part.named(arguments[0], seed: seed)
    else { throw Wrong(text: "usage: ledger-torture --parts | PART SEED FIRST COUNT") }
    let tally = part.run(first..<first + count)
    print(String(decoding: try JSONEncoder().encode(tally), as: UTF8.self))
  }
}
