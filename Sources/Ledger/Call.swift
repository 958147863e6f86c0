import Bytes
package import Dispatching
import Platform

/// The commands of one call, in the order in which they are decided (`EVENTS.md`, "Keys of calls").
///
/// They are made when they are needed, so that a long call needn't be held in memory as a whole.
package struct Call {
  /// How many entries it has: what may be committed apart from what follows.
  package let count: Int
  /// The commands of some entries, counted from 0.
  let commands: (Range<Int>) -> [Command]
  /// What tells it from any other call under the same key.
  let canonicalBytes: [UInt8]
  /// The whole of what an import's parts are cut from.
  let catalogue: CatalogueDocument?

  /// A call whose entries are commands, which `command` makes, the same each time.
  ///
  /// All of them are made once here, and not kept: what can't be made is told before anything is
  /// decided.
  package init<Failure: Error>(
    count: Int, command: @escaping (Int) throws(Failure) -> Command
  ) throws(Failure) {
    canonicalBytes = try Command.canonicalBytes(count: count, of: command)
    self.count = count
    commands = { range in
      range.map { index in
        guard let command = try? command(index) else {
          fatalError("invariant broken: command \(index) can't be made a second time")
        }
        return command
      }
    }
    catalogue = nil
  }

  /// A call whose entries are these commands.
  package init(_ commands: [Command]) { self.init(count: commands.count) { commands[$0] } }

  /// A call whose entries are those of a catalogue.
  package init(_ catalogue: CatalogueDocument) {
    count = catalogue.count
    commands = { [.importCatalogue(catalogue.part($0))] }
    canonicalBytes = Command.canonicalBytes(of: [.importCatalogue(catalogue)])
    self.catalogue = catalogue
  }
}

/// The keys of one call's commits.
struct CallKeys {
  let text: String
  private static let digits = 10

  /// - Throws: `.badKey` where the text could be the key of a batch, or is too long.
  init(_ text: String) throws(LedgerError) {
    guard isPrintable(text, limit: 512), Self.entries(in: text[...]) == nil else {
      throw .badKey(text)
    }
    self.text = text
  }

  private var prefix: String { "\(text)/batch/" }

  /// The key of the commit that holds what came of the first `entries` that no commit before holds.
  func batch(upTo entries: Int) -> String {
    let number = String(entries)
    let zeros = String(repeating: "0", count: max(0, Self.digits - number.utf8.count))
    return prefix + zeros + number
  }

  /// What stands before and after the keys of all batches behind the first `entries`.
  func bounds(after entries: Int) -> (lower: String, upper: String) {
    // "0" follows "/", and ":" the digits.
    (batch(upTo: entries), prefix + ":")
  }

  /// How many entries are done with the commit that has this key.
  func entries(upTo key: String) -> Int? {
    key.utf8.starts(with: prefix.utf8) ? Self.entries(in: key[...]) : nil
  }

  private static func entries(in key: Substring) -> Int? {
    let name = "/batch/".utf8
    let number = key.utf8.suffix(digits)
    guard number.count == digits, number.allSatisfy({ decimalValue($0) != nil }),
      key.utf8.dropLast(digits).suffix(name.count).elementsEqual(name)
    else { return nil }
    return Int(String(Substring(number)))
  }
}
