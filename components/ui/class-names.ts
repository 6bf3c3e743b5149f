import { type ClassValue, clsx } from 'clsx';
import { twMerge } from 'tailwind-merge';

/** Joins class names, a later Tailwind utility winning over an earlier one of its kind. */
export function classNames(...values: ClassValue[]): string {
  return twMerge(clsx(values));
}
