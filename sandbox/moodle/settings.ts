/** Behaviour that differs between Moodle installs. */
export type MoodleSettings = {
  restEnabled: boolean;
  /** True: errors carry `debuginfo`. */
  debugging: boolean;
  maintenance: boolean;
  /** PHP's limit; variables past it are dropped without a word. */
  maxInputVars: number;
  /** What new courses get: whom the welcome message of manual enrolment comes from, 0 for none. A new 4.5 has 1. */
  welcome: number;
  /** The administrator has locked welcome messages to mail, whatever people choose. */
  forcesMail: boolean;
  /** Whether new courses get manual enrolment at all. */
  manualEnrolment: boolean;
};

export const defaultSettings: MoodleSettings = {
  restEnabled: true,
  debugging: false,
  maintenance: false,
  maxInputVars: 1000,
  welcome: 1,
  forcesMail: false,
  manualEnrolment: true,
};
