import CommandLineInterface
import Testing

@Suite("Help")
struct HelpTests {
  @Test("x") func x() {
    for l in [
      "--help", "help dispatch", "help view", "deliver --help", "help import", "help exit-codes",
      "cancel", "dispach", "view chekc", "cancel -x", "dispatch a --ky x", "dispatch a -n 0",
      "import a --format opendar", "init", "dispatch f -tdn5 --json",
    ] {
      print("=== \(l)"); print(run(l))
    }
    print(run("help replay", of: auditorTable))
    print(run("replay", of: auditorTable))
    print(run("list users", of: auditorTable))
    print(operatorTable.problems, auditorTable.problems)
  }
}
