/** Why a recording ended that another program had to complete. */
export const KILLED = 'the program was killed';
