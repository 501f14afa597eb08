/// The program's version, as `--version` prints it and every file it writes says.
public enum Version {
  public static let current = "0.2.0-dev"
}
