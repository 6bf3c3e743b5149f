/** Behaviour that differs between Moodle installs. */
export type MoodleSettings = {
  restEnabled: boolean;
  /** True: errors carry `debuginfo`. */
  debugging: boolean;
  maintenance: boolean;
  /** PHP's limit; variables past it are dropped without a word. */
  maxInputVars: number;
};

export const defaultSettings: MoodleSettings = {
  restEnabled: true,
  debugging: false,
  maintenance: false,
  maxInputVars: 1000,
};
