import Synchronization

/// Does pieces of work, those of numbers 0 up to but without the count, and returns after the last:
/// several at once, where there are threads for it.
package typealias Workers = @Sendable (_ count: Int, _ work: @Sendable (Int) -> Void) -> Void

/// Does them one after the other.
package func oneByOne(_ count: Int, _ work: @Sendable (Int) -> Void) {
  for piece in 0..<count { work(piece) }
}

/// What is handed to pieces of work, or by them: at each time only one of them has it, or all only
/// read it.
package struct Handed<Value>: @unchecked Sendable {
  package var value: Value

  package init(_ value: Value) { self.value = value }
}

/// Does pieces of work that may fail.
///
/// - Returns: What each came to, by their numbers.
/// - Throws: What the first by number threw, of those that did.
package func doing<Answer, Failure>(
  _ count: Int, by workers: Workers,
  _ work: @escaping @Sendable (Int) throws(Failure) -> Answer
) throws(Failure) -> [Answer] {
  let done = Mutex<[Handed<Result<Answer, Failure>>?]>(Array(repeating: nil, count: count))
  workers(count) { piece in
    let result: Handed<Result<Answer, Failure>>
    do throws(Failure) {
      result = Handed(.success(try work(piece)))
    } catch {
      result = Handed(.failure(error))
    }
    done.withLock { $0[piece] = result }
  }
  var answers: [Answer] = []
  for result in done.withLock({ $0 }) {
    guard let result else { fatalError("invariant broken: a piece of work wasn't done") }
    answers.append(try result.value.get())
  }
  return answers
}
